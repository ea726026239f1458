// Strict XML, read by a parser that is not ours.
import { SaxesParser } from 'saxes'

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  text: string
}

/** The root element. Throws where the text is not well-formed XML 1.0. */
export function parseXml(text: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const parser = new SaxesParser()
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, children: [], text: '' }
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  parser.on('closetag', () => void open.pop())
  parser.on('text', (content) => {
    const element = open.at(-1)
    if (element) element.text += content
  })
  parser.write(text).close()
  const [first] = root.children
  if (!first) throw new Error('no root element')
  return first
}

/** It and all below it, in the order of the document. */
export const descendants = (element: Element): Element[] => [
  element,
  ...element.children.flatMap(descendants),
]
