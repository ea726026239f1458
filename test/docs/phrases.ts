// English that a reader stumbles over.

/** Never used: not in documents, help, messages or comments. Each has a plain word instead. */
export const FORBIDDEN: RegExp =
  /\bmend|\bbehind\b|\banew\b|for ever\b|in the air|\bis none\b|\bwhoever\b/gi

/**
 * Constructions that are right now and then, and odd as a habit: clauses as nouns, "where" as a condition, programs
 * that speak, "nobody", "is no …", reversed order. Counted by readability.ts.
 */
export const ODD: RegExp = new RegExp(
  [
    FORBIDDEN.source,
    String.raw`(?<=[.,;:(]\s|\bof |\bwith |\bfor |\bto |^)what (?:is|was|has|had|it|they|comes|came|an?|the|others?|is there)\b`,
    String.raw`(?<!from |place |line )\bwhere (?:it|that|there|this|one|nothing|nobody|somebody|an?|the|they|those)\b`,
    String.raw`\b(?:somebody|anybody|everybody|nobody)\b`,
    String.raw`\b(?:is|are|was|be) (?:no|none)\b`,
    String.raw`\b(?:is|are|was|were) (?:told|asked)\b`,
    String.raw`\bsays? (?:no|so|which|what|why)\b`,
    String.raw`\bNor (?:does|do|is|are)\b|\bSo (?:is|are|does|do|was) (?:it|a|an|the)?\b`,
    String.raw`\ball (?:the same|that is|of it)\b|\bof which\b|\bwill do\b`,
  ].join('|'),
  'gim',
)
