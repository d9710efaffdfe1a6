"""What the doctor imports."""
