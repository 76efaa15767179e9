"""Third-party applications, read by casepilot and compared with what a person sees on their pages."""
