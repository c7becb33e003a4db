"""The engine as a whole on one machine: servers, set-up, and a process for each part."""
