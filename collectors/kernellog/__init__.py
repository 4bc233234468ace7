"""The kernel's log: which processes it killed for want of memory."""
