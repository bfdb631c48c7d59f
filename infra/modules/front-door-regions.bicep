// What answers behind Front Door: the first region that is healthy.

@description('Name of the Front Door, and of its endpoint.')
param name string

@description('Host names of the apps, the preferred one first.')
param hosts array

resource profile 'Microsoft.Cdn/profiles@2025-06-01' existing = {
  name: name
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2025-06-01' existing = {
  parent: profile
  name: name
}

resource regions 'Microsoft.Cdn/profiles/originGroups@2025-06-01' = {
  parent: profile
  name: 'regions'
  properties: {
    healthProbeSettings: {
      probeIntervalInSeconds: 120
      probePath: '/health/ready'
      probeProtocol: 'Https'
      probeRequestType: 'GET'
    }
    loadBalancingSettings: {
      additionalLatencyInMilliseconds: 0
      sampleSize: 4
      successfulSamplesRequired: 3
    }
    sessionAffinityState: 'Disabled'
  }
}

// Each app is called by its own name, so that the status address of a job leads to the region that has the job.
resource region 'Microsoft.Cdn/profiles/originGroups/origins@2025-06-01' = [for (host, i) in hosts: {
  parent: regions
  name: 'region-${i}'
  properties: {
    hostName: host
    originHostHeader: host
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
    httpsPort: 443
    priority: i + 1
    weight: 1000
  }
}]

resource route 'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-06-01' = {
  parent: endpoint
  name: 'all'
  dependsOn: [region]
  properties: {
    enabledState: 'Enabled'
    forwardingProtocol: 'HttpsOnly'
    httpsRedirect: 'Enabled'
    linkToDefaultDomain: 'Enabled'
    originGroup: {
      id: regions.id
    }
    patternsToMatch: ['/*']
    supportedProtocols: ['Http', 'Https']
  }
}
