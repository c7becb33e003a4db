"""Channel: banks and card schemes; here a sandbox that answers by token."""
