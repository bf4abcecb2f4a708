from deploy.databases import address


def test_the_administrator_keeps_the_password():
    assert address("postgresql://root:pw@db.example:5432/postgres", "leadflow_goals") == (
        "postgresql://root:pw@db.example:5432/leadflow_goals"
    )


def test_a_login_takes_the_place_of_the_administrator():
    assert address("postgresql://root:pw@db.example:5432/postgres", "leadflow_goals", "leadflow_goals", "a/b") == (
        "postgresql://leadflow_goals:a%2Fb@db.example:5432/leadflow_goals"
    )


def test_options_of_the_address_stay():
    assert address("postgresql://root@db.example/postgres?ssl=require", "x").endswith("/x?ssl=require")
