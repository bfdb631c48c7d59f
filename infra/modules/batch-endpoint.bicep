// A batch endpoint of Azure ML with one deployment on the cluster that has no nodes while nothing runs.

param workspaceName string

@description('Of the endpoint.')
param name string
param location string
param tags object

@description('batch: model, mini_batch_size, max_concurrency, error_threshold; as in azure-ml-endpoints.json.')
param endpoint object

@description('Resource id of the cluster.')
param clusterId string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource batch 'Microsoft.MachineLearningServices/workspaces/batchEndpoints@2025-12-01' = {
  parent: workspace
  name: name
  location: location
  tags: tags
  properties: {
    authMode: 'AADToken'
    defaults: {
      deploymentName: 'default'
    }
  }
}

resource deployment 'Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments@2025-12-01' = {
  parent: batch
  name: 'default'
  location: location
  tags: tags
  properties: {
    compute: clusterId
    errorThreshold: endpoint.batch.error_threshold
    maxConcurrencyPerInstance: endpoint.batch.max_concurrency
    miniBatchSize: endpoint.batch.mini_batch_size
    model: {
      referenceType: 'Id'
      assetId: '${workspace.id}/models/${endpoint.batch.model.name}/versions/${endpoint.batch.model.version}'
    }
    outputAction: 'AppendRow'
    outputFileName: 'predictions.csv'
    resources: {
      instanceCount: 1
    }
    retrySettings: {
      maxRetries: 3
      timeout: 'PT5M'
    }
  }
}
