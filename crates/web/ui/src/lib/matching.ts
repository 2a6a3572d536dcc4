// Finding by the beginnings of words; case and accents do not matter.

export function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase()
}

/** Whether each word of what was typed begins a word of one of the names. */
export function matches(typed: string, names: readonly (string | null | undefined)[]): boolean {
  const wanted = plain(typed).split(/\s+/u).filter((word) => word !== '')
  const words = names.flatMap((name) => plain(name ?? '').split(/[\s._@-]+/u))
  return wanted.every((word) => words.some((own) => own.startsWith(word.replace(/^@/, ''))))
}
