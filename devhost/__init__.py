"""A local host for Azure Functions apps of the Python v2 model, where Core Tools cannot be had."""
