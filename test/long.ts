/** Whether npm run test:long runs this test: then it leaves nothing out that npm test has no time for. */
export const isLong: boolean = process.env['MINISTORE_LONG'] === '1'
