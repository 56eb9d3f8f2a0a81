// What stands in templates between braces goes through `shown` on its way to the screen: one place for all texts,
// so that none is forgotten.
import { createCompoundExpression, NodeTypes, type NodeTransform } from '@vue/compiler-core'

/** Wraps what stands between braces. It runs after the compiler's own transforms, which have named what is meant. */
export const showTexts: NodeTransform = (node) => {
  if (node.type === NodeTypes.INTERPOLATION) node.content = createCompoundExpression(['_ctx.$shown(', node.content as never, ')'])
}
