"""
A province and its stations. Each works alone; what passes between them is signed, and can be sent again.

    registry     the province: its keys, which stations joined, who is invited
    membership   the station: its province, its key, whom it trusts
    publishing   content → what each station is to have (bundles)
    receiving    a bundle → the station's folder, whole or not at all
    outbox       the station's play log → batches of rows, until they are confirmed
    urgent       emergencies in force in the province
    package      bundles and rows in one file, for a stick
    link         the station's end of the wire
    hub          the province's end
"""
