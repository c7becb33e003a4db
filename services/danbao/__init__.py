"""danbao: an event-sourced payment engine with escrow at its heart."""
