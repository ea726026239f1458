// All verbs that ask a daemon, by name and in the order of the help; the shell has the same.
import type { Command } from 'commander'
import type { WithAsking } from './asking.ts'
import {
  deploymentListCommand,
  moduleDeployCommand,
  moduleScaleCommand,
  moduleStartCommand,
  moduleStopCommand,
  moduleUndeployCommand,
} from './deployments.ts'
import { instanceListCommand } from './instances.ts'
import {
  moduleInstallCommand,
  moduleListCommand,
  moduleRemoveCommand,
  moduleUpdateCommand,
} from './modules.ts'
import { logTailCommand, pingCommand, statusCommand } from './status.ts'

const VERBS = [
  ...[pingCommand, statusCommand, logTailCommand],
  ...[moduleListCommand, moduleInstallCommand, moduleUpdateCommand, moduleRemoveCommand],
  ...[moduleDeployCommand, moduleStartCommand, moduleStopCommand, moduleScaleCommand],
  ...[moduleUndeployCommand, deploymentListCommand, instanceListCommand],
]

/** `daemon`: where a verb gets the one that it asks. */
export function addVerbs(program: Command, daemon: WithAsking): Command {
  for (const make of VERBS) program.addCommand(inherit(program, make(daemon)))
  return program
}

/** Commander does so only for commands that it makes itself. */
export const inherit = (program: Command, command: Command): Command =>
  command.copyInheritedSettings(program)
