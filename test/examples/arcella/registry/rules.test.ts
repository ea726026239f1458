// The rules for modules and deployments, each with its message.
import { Rejection } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { registry } from '../../../../examples/arcella/registry/definition.ts'
import { MAX_REPLICAS } from '../../../../examples/arcella/registry/deployment.ts'
import { sentenceOf } from '../../../../examples/arcella/registry/refusals.ts'
import { resolve } from '../../../../examples/arcella/registry/rules.ts'
import {
  at,
  deployed,
  exited,
  type Fact,
  facts,
  given,
  hostileNames,
  id,
  installed,
  main,
  nothing,
  spec,
  started,
  startedDeployment,
  worker,
} from './given.ts'

const tee = { security: { requires_tee: true, allowed_syscalls: [] } }

/** What ALME would say. */
async function sentence(history: readonly Fact[], asked: Fact): Promise<string> {
  const store = await registry.memory(history)
  const seq = store.seq
  const error = await store.dispatchAll([asked]).catch((error) => error)
  expect(error).toBeInstanceOf(Rejection)
  expect(store.seq).toBe(seq)
  return sentenceOf(error)
}

describe('overrides, template, default', () => {
  const overrides = {
    ...({ isolation: 'main', trusted: true, async: true } as const),
    ...{ startup: { entrypoint: 'run' }, resources: { fuel: 9 } },
  }
  const template = {
    ...{ ...main, async: true, startup: { entrypoint: 'tick', shutdown: 'end' } },
    ...{ resources: { memory_mb: 16, fuel: 5 } },
  }

  test('come in this order, field by field; the group is always the spec’s', () => {
    expect(resolve(null, spec())).toEqual({ ...worker, module_id: id, group: 'g', replicas: 1 })
    expect(resolve(template, spec())).toEqual({
      ...template,
      module_id: id,
      group: 'g',
      replicas: 1,
    })
    expect(resolve({ ...worker, group: 'other' }, spec()).group).toBe('g')
    expect(resolve(template, spec({ overrides }))).toEqual({
      ...{ module_id: id, group: 'g', replicas: 1, isolation: 'main', trusted: true, async: true },
      startup: { entrypoint: 'run', shutdown: 'end' },
      resources: { memory_mb: 16, fuel: 9 },
    })
  })
})

describe('A12: a deployment is refused', () => {
  test.each([
    ['main_needs_async', { isolation: 'main' }, 'isolation = "main" requires async = true'],
    ['trusted_needs_main', { trusted: true }, 'trusted = true requires isolation = "main"'],
    [
      'trusted_needs_main',
      { trusted: true, async: true },
      'trusted = true requires isolation = "main"',
    ],
    [
      'main_needs_async',
      { trusted: true, isolation: 'main' },
      'isolation = "main" requires async = true',
    ],
  ] as const)('%s: %j', async (code, overrides, said) => {
    await given([installed()])
      .when('deployModule', { id: 'web', spec: spec({ overrides }) })
      .thenRejects(code)
    expect(await sentence([installed()], deployed('web', { overrides }))).toBe(said)
  })

  test('A13: main and two replicas, at deploy and at scale', async () => {
    const said = 'isolation = "main" requires replicas = 1, not 2'
    const history = [installed(main)]
    await given(history)
      .when('deployModule', { id: 'web', spec: spec({ replicas: 2 }) })
      .thenRejects('main_has_one_replica', { replicas: 2 })
    expect(await sentence(history, deployed('web', { replicas: 2 }))).toBe(said)
    const scaled = given([...history, deployed()])
    await scaled
      .when('scaleDeployment', { id: 'web', replicas: 2 })
      .thenRejects('main_has_one_replica')
    await scaled
      .whenExecute('scale', { id: 'web', replicas: 2 })
      .thenRejects('main_has_one_replica')
    await scaled.whenExecute('scale', { id: 'web', replicas: 1 }).thenNothing()
  })

  test('where the module needs a TEE', async () => {
    const said =
      'Module logger@1.2.3 requires a trusted execution environment (requires_tee), which this host does not have'
    expect(await sentence([installed(null, tee)], deployed())).toBe(said)
    await given([installed(null, tee)])
      .when('deployModule', { id: 'web', spec: spec() })
      .thenRejects('requires_tee', { module_id: id })
  })

  test('A16: where the module is not installed', async () => {
    await given([]).when('deployModule', { id: 'web', spec: spec() }).thenRejects('no_such_module')
    expect(await sentence([], deployed())).toBe('Module logger@1.2.3 is not installed')
    const other = spec({ module_id: { ...id, version: '1.2.4' } })
    await given([installed()])
      .whenExecute('deploy', { id: 'web', spec: other })
      .thenRejects('no_such_module')
  })

  test('where its id is taken', async () => {
    const history = [installed(), deployed()]
    expect(await sentence(history, deployed())).toBe('There is a deployment web already')
    await given(history)
      .when('deployModule', { id: 'web', spec: spec() })
      .thenRejects('deployment_exists', { deployment_id: 'web' })
  })

  test.each([
    [{ id: '-web' }, 'Invalid deployment ID: -web'],
    [{ spec: spec({ group: '' }) }, 'spec.group: the group is empty'],
    [{ spec: spec({ group: 'a\x1b[2J' }) }, 'spec.group: the group has control characters'],
    [{ spec: spec({ replicas: 0 }) }, 'spec.replicas: replicas must be at least 1'],
    [{ spec: spec({ replicas: 1.5 }) }, 'spec.replicas: '],
    [
      { spec: spec({ replicas: MAX_REPLICAS + 1 }) },
      'spec.replicas: replicas must be at most 1000',
    ],
    [
      { spec: spec({ overrides: { resources: { memory_mb: 0 } } }) },
      'spec.overrides.resources.memory_mb: memory_mb is never 0',
    ],
    [
      { spec: spec({ overrides: { resources: { fuel: 0 } } }) },
      'spec.overrides.resources.fuel: fuel is never 0',
    ],
    [{ spec: { ...spec(), more: 1 } }, 'more'],
    [{ spec: spec({ overrides: { startup: { timeout_seconds: 0 } } }) }, 'timeout_seconds'],
    [
      { spec: spec({ module_id: { name: 'a b', version: '1.0.0' } }) },
      'Invalid module ID name: a b',
    ],
  ])('with %j: %s', async (wrong, said) => {
    const payload = { id: 'web', spec: spec(), ...wrong }
    await given([installed()]).when('deployModule', payload).thenRejects('invalid')
    expect(await sentence([installed()], { type: 'deployModule', payload })).toContain(said)
  })
})

describe('installModule', () => {
  test('keeps what is known of the module', async () => {
    await given([])
      .when('installModule', facts(main))
      .thenState((state) => state.installedModules.get('logger@1.2.3'), { ...facts(main), at })
  })

  test('A12: refuses an id that is installed', async () => {
    await given([installed()])
      .when('installModule', facts())
      .thenRejects('module_exists', { module_id: id })
    expect(await sentence([installed()], installed())).toBe(
      'Module logger@1.2.3 is already installed',
    )
  })

  test.each([
    [{ ...main, group: 'g' }, 'a template has a group only with isolation = "worker"'],
    [{ ...main, async: false }, 'isolation = "main" requires async = true'],
    [{ ...worker, trusted: true }, 'trusted = true requires isolation = "main"'],
    [{ ...worker, group: '' }, 'template.group: the group is empty'],
    [
      { ...worker, resources: { memory_mb: 0 } },
      'template.resources.memory_mb: memory_mb is never 0',
    ],
    [{ ...worker, resources: { fuel: 0 } }, 'template.resources.fuel: fuel is never 0'],
  ])('A12: refuses the template %j', async (template, said) => {
    expect(await sentence([], installed(template))).toContain(said)
  })

  test('takes a template with a group for workers', async () => {
    await given([])
      .when('installModule', facts({ ...worker, group: 'g' }))
      .thenState((state) => state.installedModules.size, 1)
  })

  test.each(hostileNames)('takes %s for a name like any other', async (name) => {
    const odd = { name, version: '0.0.0' }
    const module = { ...facts(), manifest: { ...facts().manifest, id: odd } }
    await given([{ type: 'installModule', payload: module }])
      .when('deployModule', { id: name, spec: spec({ module_id: odd, group: name }) })
      .thenState((state) => [...state.deployments.keys()], [name])
      .andState((state) => [...state.installedModules.keys()], [`${name}@0.0.0`])
  })

  test.each([
    { sha256: 'A'.repeat(64) },
    { sha256: 'a'.repeat(63) },
    { size: -1 },
    { size: 64 * 2 ** 20 + 1 },
    { kind: 'component' },
    { more: 1 },
  ])('refuses %j', async (wrong) => {
    const payload: unknown = { ...facts(), ...wrong }
    expect(registry.schema.safeParse({ type: 'installModule', payload }).success).toBe(false)
  })
})

describe('removeModule', () => {
  test('A14: is refused while it is deployed', async () => {
    const history = [installed(), deployed('a'), deployed('b'), deployed('c')]
    expect(await sentence(history, { type: 'removeModule', payload: { id } })).toBe(
      'Module logger@1.2.3 is deployed as a and 2 more: undeploy it first',
    )
    await given(history)
      .when('removeModule', { id })
      .thenRejects('module_in_use', { module_id: id, deployments: ['a', 'b', 'c'] })
    const gone = ['a', 'b', 'c'].map((id): Fact => ({ type: 'undeployModule', payload: { id } }))
    await given([...history, ...gone])
      .when('removeModule', { id })
      .thenState((state) => state.installedModules.size, 0)
  })

  test('is refused where it is not installed', async () => {
    await given([]).when('removeModule', { id }).thenRejects('no_such_module', { module_id: id })
  })

  test('does not mind deployments of another version', async () => {
    const next = { ...id, version: '2.0.0' }
    const other: Fact = {
      type: 'installModule',
      payload: { ...facts(), manifest: { ...facts().manifest, id: next } },
    }
    await given([installed(), other, deployed('web', { module_id: next })])
      .when('removeModule', { id })
      .thenState((state) => [...state.installedModules.keys()], ['logger@2.0.0'])
  })
})

describe('A15: two deployments of one module', () => {
  test('are beside each other, and apart', async () => {
    const history = [installed(), deployed('a'), deployed('b', { replicas: 3, group: 'h' })]
    await given([...history, startedDeployment('a'), startedDeployment('b'), started(0, 1, 'b')])
      .when('undeployModule', { id: 'a' })
      .thenState(
        (state) => [...state.deployments].map(([id, { full }]) => [id, full.replicas]),
        [['b', 3]],
      )
      .andState((state) => [...state.runningInstances.keys()], ['b.0'])
  })
})

describe('A17: updateModule', () => {
  const next = { ...facts({ ...worker, resources: { memory_mb: 8 } }), sha256: 'b'.repeat(64) }

  test('gives each of its deployments a new generation, and forgets what ran of the old one', async () => {
    const history = [
      ...[installed(), deployed('web', { replicas: 2 }), deployed('idle')],
      ...[startedDeployment(), started(0), exited(1)],
    ]
    await given(history)
      .whenExecute('update', next)
      .thenValue({ deployments: ['idle', 'web'] })
      .andState((state) => state.installedModules.get('logger@1.2.3')?.sha256, next.sha256)
      .andState(
        (state) =>
          [...state.deployments].map(([id, { generation, desired, full }]) => [
            ...[id, generation, desired, full.resources.memory_mb],
          ]),
        [
          ['idle', 2, 'stopped', 8],
          ['web', 2, 'running', 8],
        ],
      )
      .andState((state) => state.runningInstances.size, 0)
  })

  test('leaves deployments of other modules alone', async () => {
    const other = { name: 'other', version: '1.0.0' }
    const history: Fact[] = [
      installed(),
      {
        type: 'installModule',
        payload: { ...facts(), manifest: { ...facts().manifest, id: other } },
      },
      deployed('web', { module_id: other }),
    ]
    await given(history)
      .whenExecute('update', next)
      .thenValue({ deployments: [] })
      .andState((state) => state.deployments.get('web')?.generation, 1)
  })

  test('is refused where it is not installed', async () => {
    await given([]).when('updateModule', facts()).thenRejects('no_such_module')
  })

  test('is refused where one of its deployments would break a rule', async () => {
    const history = [installed(), deployed('a'), deployed('b', { replicas: 2 })]
    expect(await sentence(history, { type: 'updateModule', payload: facts(main) })).toBe(
      'With this module, deployment b would not be valid: isolation = "main" requires replicas = 1, not 2',
    )
    await given(history)
      .whenExecute('update', facts(main))
      .thenRejects('deployment_broken', { deployment_id: 'b', code: 'main_has_one_replica' })
    await given(history)
      .when('updateModule', facts(null, tee))
      .thenRejects('deployment_broken', { deployment_id: 'a', code: 'requires_tee' })
    await given([installed()])
      .when('updateModule', facts({ ...main, group: 'g' }))
      .thenRejects('group_needs_worker', { group: 'g' })
  })
})

describe('start, stop, scale, undeploy', () => {
  const missing = { deployment_id: 'none' }

  test('are refused where there is no such deployment', async () => {
    const asked = given([installed(), deployed()])
    await asked.whenExecute('start', { id: 'none' }).thenRejects('no_such_deployment', missing)
    await asked.whenExecute('stop', { id: 'none' }).thenRejects('no_such_deployment', missing)
    await asked
      .whenExecute('scale', { id: 'none', replicas: 2 })
      .thenRejects('no_such_deployment', missing)
    await asked.when('undeployModule', { id: 'none' }).thenRejects('no_such_deployment', missing)
    expect(await sentence([], startedDeployment('none'))).toBe('There is no deployment none')
  })

  test('starting and stopping again changes nothing, and writes nothing', async () => {
    const history = [installed(), deployed()]
    await given(history).whenExecute('stop', { id: 'web' }).thenNothing().andValue({ isNew: false })
    await given(history)
      .whenExecute('start', { id: 'web' })
      .thenValue({ isNew: true })
      .andState((state) => state.deployments.get('web')?.desired, 'running')
    const running = given([...history, startedDeployment(), started(0)])
    await running.whenExecute('start', { id: 'web' }).thenNothing().andValue({ isNew: false })
    await running
      .when('startDeployment', { id: 'web' })
      .thenState((state) => state.runningInstances.size, 1)
  })

  test('stopping forgets what ran, and starting what was done', async () => {
    const running = [installed(), deployed('web', { replicas: 2 }), startedDeployment(), started(0)]
    const done = [...running, exited(1)]
    await given(done)
      .whenExecute('stop', { id: 'web' })
      .thenState((state) => [...state.runningInstances.keys()], ['web.1'])
    await given([...done, { type: 'stopDeployment', payload: { id: 'web' } }])
      .whenExecute('start', { id: 'web' })
      .thenState((state) => state.runningInstances.size, 0)
  })

  test('scaling down forgets those beyond, and leaves the others', async () => {
    const history = [installed(), deployed('web', { replicas: 3 }), startedDeployment()]
    await given([...history, started(0), started(1), started(2)])
      .whenExecute('scale', { id: 'web', replicas: 1 })
      .thenState((state) => [...state.runningInstances.keys()], ['web.0'])
      .andState((state) => state.deployments.get('web')?.full.replicas, 1)
      .andState((state) => state.deployments.get('web')?.spec.replicas, 1)
      .andValue({ before: 3 })
  })
})

describe('what the runtime saw', () => {
  const history = [installed(), deployed('web', { replicas: 2 }), startedDeployment()]
  const instance = { deployment: 'web', replica: 1, generation: 1, restarts: 2 }
  const one = { deployment: 'web', generation: 1, restarts: 2 }

  test('is kept by the replica’s name', async () => {
    await given(history)
      .whenExecute('recordStarted', instance)
      .thenState((state) => state.runningInstances.get('web.1'), { ...one, state: 'running' })
    await given(history)
      .whenExecute('recordExited', { ...instance, exitCode: 3 })
      .thenState((state) => state.runningInstances.get('web.1'), {
        ...one,
        state: 'exited',
        exitCode: 3,
      })
    await given(history)
      .whenExecute('recordExited', { ...instance, error: 'unreachable' })
      .thenState((state) => state.runningInstances.get('web.1'), {
        ...one,
        state: 'failed',
        error: 'unreachable',
      })
  })

  test.each([
    ['of another generation', { generation: 2 }],
    ['of no deployment', { deployment: 'none' }],
    ['of a replica that is no longer there', { replica: 2 }],
  ])('is ignored where it is %s', async (_, more) => {
    const stale = { ...instance, ...more }
    await given(history)
      .whenExecute('recordStarted', stale)
      .thenNothing()
      .andValue({ isNews: false })
    await given(history)
      .whenExecute('recordExited', stale)
      .thenNothing()
      .andValue({ isNews: false })
    await given(history).when('instanceExited', stale).thenRejects('stale_instance')
  })

  test('is ignored where it starts while its deployment is stopped', async () => {
    const stopped = [installed(), deployed('web', { replicas: 2 })]
    await given(stopped).whenExecute('recordStarted', instance).thenNothing()
  })

  test('is cut where the error is long', async () => {
    await given(history)
      .whenExecute('recordExited', { ...instance, error: 'x'.repeat(5000) })
      .thenState((state) => state.runningInstances.get('web.1')?.error?.length, 1000)
  })
})

describe('deploying tells what Node cannot give', () => {
  const warnings = async (module: Fact, more: Parameters<typeof spec>[0] = {}) => {
    const store = await registry.memory([module])
    const { value } = await store.execute('deploy', { id: 'web', spec: spec(more) })
    return value.warnings.map(({ field }) => field)
  }
  const resources = { fuel: 5, cpu_shares: 2 }

  test('and nothing else', async () => {
    expect(await warnings(installed())).toEqual([])
    expect(await warnings(installed(null, { network: ['arcella:publish'] }))).toEqual([])
    expect(await warnings(installed(), { overrides: { resources } })).toEqual([
      'resources.fuel',
      'resources.cpu_shares',
    ])
    const demanding = {
      ...nothing,
      ...{ wasi: ['wasi:cli/stdio@0.2.0', 'wasi:http@0.2.0'], network: ['tcp:localhost:80'] },
      ...{ environment: ['HOME'], security: { requires_tee: false, allowed_syscalls: ['read'] } },
    }
    expect(await warnings(installed(main, demanding))).toEqual([
      ...['security.allowed_syscalls', 'capabilities.network', 'capabilities.wasi'],
      ...['capabilities', 'isolation'],
    ])
    const module: Fact = {
      type: 'installModule',
      payload: {
        ...facts(),
        kind: 'wasi',
        manifest: { ...facts().manifest, imports: { 'other:module': { kind: 'unknown' } } },
      },
    }
    expect(await warnings(module)).toEqual(['imports', 'sandbox'])
  })
})
