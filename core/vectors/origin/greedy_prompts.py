"""The conversations of greedy.json: (name, messages, most ids to generate)."""

from chat_template import Messages

LONG = (
    "Read this and then answer in one sentence. The lighthouse on the northern cape was built in 1874 by a "
    "small company of stonemasons who had come from the mainland with two boats, a mule and enough flour for "
    "the winter. The first keeper, a quiet woman named Ada Lindqvist, kept a record of every ship that passed, "
    "of the weather at dawn and at dusk, and of the birds that struck the lamp in the autumn fogs. Her notes "
    "fill eleven volumes. When the lamp was changed from oil to electricity in 1931, the keeper of that time "
    "complained that the new light was too steady and that sailors would fall asleep looking at it. The tower "
    "was closed in 1988, opened again as a museum in 2003, and since then about nine thousand people a year "
    "have climbed its one hundred and forty-two steps. Who wrote the eleven volumes of notes, and what did they record?"
)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


PROMPTS: list[tuple[str, Messages, int]] = [
    ("plain question", [user("What is the capital of France?")], 24),
    ("code", [user("Write a Python function that returns the n-th Fibonacci number.")], 32),
    ("french", [user("Explique en une phrase ce qu'est la photosynthèse.")], 24),
    ("chinese", [user("请用一句话介绍一下长城。")], 24),
    ("arabic", [user("ما هي عاصمة مصر؟")], 24),
    ("emoji", [user("What do these emoji mean? 🌧️☂️👩‍🚀🎉")], 24),
    ("empty system", [system(""), user("Name a primary colour.")], 24),
    ("explicit system", [system("You are a pirate. Answer in the voice of a pirate."), user("How are you today?")], 24),
    ("long", [user(LONG)], 32),
    ("list", [user("List five fruits that are yellow.")], 32),
    ("arithmetic", [user("What is 17 + 25? Show the steps.")], 32),
    ("poem", [user("Write a short poem about the sea at night.")], 32),
    ("json", [user('Return a JSON object with the keys "name" and "age" for a person called Mara who is 31.')], 24),
    (
        "multi-turn",
        [
            system("You are a helpful assistant."), user("My name is Tom and I like chess."),
            assistant("Nice to meet you, Tom! Chess is a wonderful game."), user("What game do I like?"),
        ],
        24,
    ),
]
