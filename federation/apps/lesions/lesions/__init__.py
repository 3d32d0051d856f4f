"""Whether a CT slice shows a lesion, learned from hospitals that keep their images."""
