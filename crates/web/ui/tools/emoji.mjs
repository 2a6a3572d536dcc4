// Writes the emoji picker's data, src/parts/emoji/data: which emoji there are, in the order of Unicode (from
// emojibase-data, MIT), and their names and words to be found by (English and German from emojibase-data, Arabic from
// Unicode's CLDR, cldr-annotations-modern, Unicode-3.0). To be run by hand when Unicode has more of them, in a folder
// where these are installed (they take 170 MB, which is why the program does not depend on them):
//
//     npm i emojibase-data@17.0.0 cldr-annotations-modern@45.0.0 cldr-annotations-derived-modern@45.0.0
//     node …/crates/web/ui/tools/emoji.mjs
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const need = createRequire(join(process.cwd(), 'x.js'))
const TARGET = join(import.meta.dirname, '../src/parts/emoji/data')
const TONES = ['🏻', '🏼', '🏽', '🏾', '🏿']
/** Emojibase's groups, as the picker's; "component" is no emoji of its own. */
const GROUPS = { 0: 'smileys', 1: 'people', 3: 'nature', 4: 'food', 5: 'travel', 6: 'activities', 7: 'objects', 8: 'symbols', 9: 'flags' }

const english = need('emojibase-data/en/compact.json').map((emoji) => ({ ...emoji, unicode: plain(emoji.unicode) }))
const german = new Map(need('emojibase-data/de/compact.json').map((emoji) => [emoji.hexcode, emoji]))
const arabic = new Map()
for (const file of ['cldr-annotations-modern/annotations/ar', 'cldr-annotations-derived-modern/annotationsDerived/ar']) {
  const content = need(`${file}/annotations.json`)
  const annotations = (content.annotations ?? content.annotationsDerived).annotations
  for (const [emoji, { default: tags = [], tts = [] }] of Object.entries(annotations)) {
    arabic.set(bare(emoji), { label: tts[0] ?? '', tags })
  }
}

const all = english.filter((emoji) => emoji.group !== undefined && GROUPS[emoji.group]).sort((a, b) => a.order - b.order)
const groups = Object.values(GROUPS).map((name) => ({ name, emoji: [] }))
const words = { en: [], de: [], ar: [] }
for (const group of groups) {
  for (const emoji of all.filter((one) => GROUPS[one.group] === group.name)) {
    group.emoji.push(toned(emoji) ? `${emoji.unicode}+` : emoji.unicode)
    words.en.push(line(emoji))
    words.de.push(line(german.get(emoji.hexcode) ?? emoji))
    words.ar.push(line(arabic.get(bare(emoji.unicode)) ?? emoji))
  }
}

mkdirSync(TARGET, { recursive: true })
write('list', groups.map(({ name, emoji }) => ({ name, emoji: emoji.join(' ') })))
for (const [language, lines] of Object.entries(words)) write(language, lines)

/** Whether putting a tone behind each person in it gives the five that there are. */
function toned({ unicode, skins = [] }) {
  const known = new Set(skins.map((skin) => skin.unicode))
  // People who hold hands have tones, the hands between them have none; as in emoji.ts.
  const people = /(?!🤝\u200D)(\p{Emoji_Modifier_Base})\uFE0F?/gu
  return TONES.every((tone) => known.has(unicode.replace(people, `$1${tone}`)))
}

/** `name|word word`, each word once. */
function line({ label, tags = [] }) {
  const named = new Set(label.toLowerCase().split(/[\s:,]+/))
  const more = [...new Set(tags.flatMap((tag) => String(tag).toLowerCase().split(/\s+/)))].filter((word) => !named.has(word))
  return more.length > 0 ? `${label}|${more.join(' ')}` : label
}

/** As Unicode recommends it: with the mark for "as a picture" only where it is needed. */
function plain(emoji) {
  return /^\p{RGI_Emoji}$/v.test(bare(emoji)) ? bare(emoji) : emoji
}

function bare(emoji) {
  return emoji.replaceAll('\uFE0F', '')
}

function write(name, content) {
  writeFileSync(join(TARGET, `${name}.json`), `${JSON.stringify(content, null, 0).replaceAll('","', '",\n"').replaceAll('},{', '},\n{')}\n`)
}
