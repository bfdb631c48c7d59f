// A managed online endpoint of Azure ML with its deployments. Traffic may only name deployments that exist: the first
// time it comes afterwards alone, in online-traffic.bicep.

@description('Name of the Azure ML workspace.')
param workspaceName string

@description('Of the endpoint: 3 to 32 letters, digits and hyphens.')
param name string
param location string
param tags object

@description('traffic, mirror_traffic, and deployments: name, model, instance_type, instance_count, max_instances; as in azure-ml-endpoints.json.')
param endpoint object

@description('Resource id of the identity that fetches models.')
param identityId string
param privateNetwork bool

@description('Writes the endpoint without traffic; one that is live would have none meanwhile.')
param firstTime bool
param workspaceId string

var deployments = endpoint.deployments
var steps = [
  {
    operator: 'GreaterThan'
    percent: 70
    direction: 'Increase'
  }
  {
    operator: 'LessThan'
    percent: 30
    direction: 'Decrease'
  }
]

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource online 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints@2025-12-01' = {
  parent: workspace
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    authMode: 'AADToken'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    traffic: firstTime ? {} : endpoint.traffic
    mirrorTraffic: firstTime ? {} : endpoint.mirror_traffic
  }
}

resource deployment 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments@2025-12-01' = [for each in deployments: {
  parent: online
  name: each.name
  location: location
  tags: tags
  sku: {
    name: 'Default'
    capacity: each.instance_count
  }
  properties: {
    endpointComputeType: 'Managed'
    appInsightsEnabled: true
    instanceType: each.instance_type
    model: '${workspace.id}/models/${each.model.name}/versions/${each.model.version}'
    requestSettings: {
      maxConcurrentRequestsPerInstance: each.max_concurrent_requests_per_instance
      requestTimeout: 'PT5S'
    }
    scaleSettings: {
      scaleType: 'Default'
    }
  }
}]

// Numbers of instances are strings here.
resource scaling 'Microsoft.Insights/autoscalesettings@2022-10-01' = [for (each, i) in deployments: {
  name: '${name}-${each.name}'
  location: location
  tags: tags
  properties: {
    enabled: true
    targetResourceUri: deployment[i].id
    profiles: [
      {
        name: 'by-cpu'
        capacity: {
          minimum: string(each.instance_count)
          maximum: string(each.max_instances)
          default: string(each.instance_count)
        }
        rules: [for step in steps: {
          metricTrigger: {
            metricName: 'CpuUtilizationPercentage'
            metricResourceUri: deployment[i].id
            operator: step.operator
            statistic: 'Average'
            threshold: step.percent
            timeAggregation: 'Average'
            timeGrain: 'PT1M'
            timeWindow: 'PT5M'
          }
          scaleAction: {
            cooldown: 'PT5M'
            direction: step.direction
            type: 'ChangeCount'
            value: '1'
          }
        }]
      }
    ]
  }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: online
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AmlOnlineEndpointEventLog'
        enabled: true
      }
      {
        category: 'AmlOnlineEndpointTrafficLog'
        enabled: true
      }
    ]
  }
}
