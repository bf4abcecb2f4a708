from deploy.databases import address


def test_without_a_login_the_administrators_user_and_password_are_kept():
    assert address("postgresql://root:pw@db.example:5432/postgres", "leadflow_goals") == (
        "postgresql://root:pw@db.example:5432/leadflow_goals"
    )


def test_a_login_replaces_the_administrator():
    assert address("postgresql://root:pw@db.example:5432/postgres", "leadflow_goals", "leadflow_goals", "a/b") == (
        "postgresql://leadflow_goals:a%2Fb@db.example:5432/leadflow_goals"
    )


def test_the_options_of_the_address_are_kept():
    assert address("postgresql://root@db.example/postgres?ssl=require", "x").endswith("/x?ssl=require")
