"""Notifications: what was heard, and what is away, to people's phones, mailboxes and programs."""
