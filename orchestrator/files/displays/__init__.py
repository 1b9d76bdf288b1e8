"""What moves on a screen: the board of `orch watch`, and what is watched."""
