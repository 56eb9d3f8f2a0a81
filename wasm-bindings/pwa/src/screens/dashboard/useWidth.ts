// How wide a chart may be, so that its text keeps its size.
import { onMounted, onScopeDispose, ref, type Ref } from 'vue'

export function useWidth(element: Ref<HTMLElement | null>): Ref<number> {
  const width = ref(320)
  const observer = new ResizeObserver(([entry]) => entry && (width.value = Math.max(220, Math.round(entry.contentRect.width))))
  onMounted(() => element.value && observer.observe(element.value))
  onScopeDispose(() => observer.disconnect())
  return width
}
