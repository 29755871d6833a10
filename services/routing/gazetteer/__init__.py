"""Where a complaint is, by its words: wards, kecamatan, landmarks and their spellings."""
