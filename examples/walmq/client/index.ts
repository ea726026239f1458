// What another program needs to talk to a walmq broker.
export { BrokerError } from '../broker/errors.ts'
export { type Client, connect } from './client.ts'
export { socketPath } from './socket-path.ts'
