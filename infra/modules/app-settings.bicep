// Every app setting. Those of the app itself are explained in docs/reference.md; none is a secret.

param hostBlobUri string
param hostQueueUri string
param hostTableUri string
param dataBlobUri string
param dataQueueUri string

@description('Client id of the app\'s identity.')
param clientId string

param insightsConnectionString string

@description('Tells the app of drops through a queue instead of a webhook.')
param privateNetwork bool

@description('What the app takes of its Entra application: tenantId, audiences, allowedClients, requiredScope.')
param entra object

@description('accounts, eventGridTopic, publicHosts, codeSources, tickSchedule, traceRatio: settings of the app that environments choose.')
param told object

@description('Address of the Durable Task Scheduler; empty: the durable engine keeps its state in Azure Storage.')
param schedulerAddress string

var durable = 'AzureFunctionsJobHost__extensions__durableTask__storageProvider'
var ofScheduler = {
  '${durable}__type': 'azureManaged'
  '${durable}__connectionStringName': 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerAddress};Authentication=ManagedIdentity;ClientID=${clientId}'
}
var ofHost = {
  AzureWebJobsStorage__blobServiceUri: hostBlobUri
  AzureWebJobsStorage__queueServiceUri: hostQueueUri
  AzureWebJobsStorage__tableServiceUri: hostTableUri
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: clientId
}
var ofApp = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${clientId}'
  SLIPWAY_DATA__blobServiceUri: dataBlobUri
  SLIPWAY_DATA__queueServiceUri: dataQueueUri
  SLIPWAY_DATA__credential: 'managedidentity'
  SLIPWAY_DATA__clientId: clientId
  SLIPWAY_ACCOUNTS: told.accounts
  SLIPWAY_EVENT_GRID_TOPIC: told.eventGridTopic
  SLIPWAY_PUBLIC_HOSTS: told.publicHosts
  SLIPWAY_CODE_SOURCES: told.codeSources
  SLIPWAY_TENANT_ID: entra.tenantId
  SLIPWAY_AUDIENCES: entra.audiences
  SLIPWAY_ALLOWED_CLIENTS: entra.allowedClients
  SLIPWAY_REQUIRED_SCOPE: entra.requiredScope
  SLIPWAY_BLOB_TRIGGER_SOURCE: privateNetwork ? 'StorageQueue' : 'EventGrid'
  SLIPWAY_TICK_SCHEDULE: told.tickSchedule
  SLIPWAY_TRACE_RATIO: told.traceRatio
  SLIPWAY_METRICS_INTERVAL_S: '60.0'
  SLIPWAY_MAX_BODY_BYTES: '16777216'
  SLIPWAY_ENDPOINT_REFRESH_S: '2.0'
  SLIPWAY_ONNX_THREADS: '1'
  SLIPWAY_ONNX_EXECUTION_PROVIDERS: 'CPUExecutionProvider'
  SLIPWAY_ENVIRONMENTS: 'environments'
  SLIPWAY_MEMORY_BYTES: '0'
  SLIPWAY_MAX_INPUT_BYTES: '10737418240'
  SLIPWAY_HEARTBEAT_TIMEOUT_S: '300.0'
  SLIPWAY_RETRY_WINDOW_S: '86400.0'
}

output settings object = union(ofHost, ofApp, empty(schedulerAddress) ? {} : ofScheduler)
