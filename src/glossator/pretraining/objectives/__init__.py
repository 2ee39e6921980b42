"""What a model learns from raw text: one objective a file."""
