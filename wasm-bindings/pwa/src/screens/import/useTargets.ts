// The fields that columns may go to, in words.
import { useI18n } from 'vue-i18n'

export function useTargets() {
  const { t, te } = useI18n()

  /** `billing_address.city` as "Billing address · City". */
  function word(target: string): string {
    const [field = '', ...rest] = target.split('.')
    const part = rest.join('.')
    if (target === 'custom_fields.source_id') return t('import.sourceId')
    if (field === 'custom_fields') return part ? t('import.kept', { name: part }) : t('import.custom')
    if (target === 'full_name') return t('import.fullName')
    const name = field === 'account' ? t('fields.organization_id') : te(`fields.${field}`) ? t(`fields.${field}`) : field.replaceAll('_', ' ')
    if (!part) return name
    return `${name} · ${te(`parts.${part}`) ? t(`parts.${part}`) : part.replaceAll('_', ' ')}`
  }

  return { word }
}
