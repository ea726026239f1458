// A user's definition: the tests copy its text into projects of their own, and change it there.
import { defineStore } from 'ministore-ts'
import { z } from 'zod'

interface Ticket {
  title: string
  priority: number
}

const id = z.string()

export const tickets = defineStore({
  name: 'tickets',
  state: { open: {} as Record<string, Ticket>, closed: 0 },
  mutations: {
    openTicket: {
      payload: z.object({ id, title: z.string() }),
      apply(draft, ticket) {
        draft.open[ticket.id] = { title: ticket.title, priority: 1 }
      },
    },
    raise: {
      payload: z.object({ id }),
      apply(draft, { id }) {
        const ticket = draft.open[id]
        if (ticket) ticket.priority += 1
      },
    },
    closeTicket: {
      payload: z.object({ id }),
      apply(draft, { id }) {
        delete draft.open[id]
        draft.closed += 1
      },
    },
  },
  commands: {
    closeAll: {
      run(tx) {
        for (const id of Object.keys(tx.state.open)) tx.dispatch('closeTicket', { id })
      },
    },
  },
})
