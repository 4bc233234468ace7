"""The service: command line, configuration, HTTP, exposition, service discovery, shipping."""
