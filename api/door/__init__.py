"""Who may come in: tokens, certificates, and how often; nothing here speaks HTTP."""
