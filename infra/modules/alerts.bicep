// What is looked for in the logs, and how often. Each query answers with one row for each thing that is wrong.

param token string
param location string
param tags object
param workspaceId string
param actionGroupId string

var alerts = [
  {
    name: 'server-errors'
    title: 'More than one scoring request in twenty ends with a 5xx'
    query: loadTextContent('../alerts/server-errors.kql')
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'slow-requests'
    title: 'One scoring request in twenty takes longer than two seconds'
    query: loadTextContent('../alerts/slow-requests.kql')
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'refused-callers'
    title: 'Many requests without the right to call: somebody may be trying doors'
    query: loadTextContent('../alerts/refused-callers.kql')
    severity: 2
    every: 'PT5M'
    window: 'PT10M'
  }
  {
    name: 'failed-jobs'
    title: 'A batch job has failed'
    query: loadTextContent('../alerts/failed-jobs.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'poison-messages'
    title: 'A drop was given up after five tries'
    query: loadTextContent('../alerts/poison-messages.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'silent-timer'
    title: 'The timer does not tick: no schedule runs, and no forsaken job is taken over'
    query: loadTextContent('../alerts/silent-timer.kql')
    severity: 1
    every: 'PT15M'
    window: 'PT30M'
    // An app that has fallen silent is known by what it told before.
    reach: 'P1D'
  }
  {
    name: 'late-schedules'
    title: 'A schedule has had no successful run for an hour after it was due, and for its own interval'
    query: loadTextContent('../alerts/late-schedules.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'drift'
    title: 'What a deployment is asked, or what it answers, has moved'
    query: loadTextContent('../alerts/drift.kql')
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'model-performance'
    title: 'The predictions of a deployment are less right than they have to be'
    query: loadTextContent('../alerts/model-performance.kql')
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
  }
]

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in alerts: {
  name: '${alert.name}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: alert.title
    enabled: true
    severity: alert.severity
    scopes: [workspaceId]
    evaluationFrequency: alert.every
    windowSize: alert.window
    overrideQueryTimeRange: alert.?reach
    autoMitigate: true
    // A table comes with its first row, and so maybe after its alert.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [actionGroupId]
    }
  }
}]
