namespace AgentLightning.Models.ChatTemplates;

/// <summary>What can stand after "is".</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Func<object?, Arguments, bool>> s_tests = new(StringComparer.Ordinal)
    {
        ["defined"] = (value, _) => value is not Undefined,
        ["undefined"] = (value, _) => value is Undefined,
        ["none"] = (value, _) => value is null,
        ["string"] = (value, _) => value is string,
        ["number"] = (value, _) => Values.Number(value) is not null,
        ["integer"] = (value, _) => value is long,
        ["float"] = (value, _) => value is double,
        ["boolean"] = (value, _) => value is bool,
        ["true"] = (value, _) => value is true,
        ["false"] = (value, _) => value is false,
        ["mapping"] = (value, _) => value is Map,
        ["sequence"] = (value, _) => value is List<object?> or string or Map,
        ["iterable"] = (value, _) => value is List<object?> or string or Map or Undefined,
        ["callable"] = (value, _) => value is Function,
        ["odd"] = (value, a) => Whole(value, a) % 2 != 0,
        ["even"] = (value, a) => Whole(value, a) % 2 == 0,
        ["divisibleby"] = (value, a) =>
            a.Int(0, "num") is var divisor and not 0 ? Whole(value, a) % divisor == 0 : throw a.Context.Error("Nothing is divisible by 0."),
        ["upper"] = (value, _) => value is string text && text.Any(char.IsLetter) && !text.Any(char.IsLower),
        ["lower"] = (value, _) => value is string text && text.Any(char.IsLetter) && !text.Any(char.IsUpper),
        ["sameas"] = (value, a) =>
            ReferenceEquals(value, a.Need(0, "other"))
            || (
                value?.GetType() == a.Need(0, "other")?.GetType()
                && value is bool or long or string
                && Values.AreEqual(value, a.Need(0, "other"))
            ),
        ["in"] = (value, a) => Operators.Contains(a.Need(0, "seq"), value, a.Context),
        ["filter"] = (value, _) => value is string name && Filters.Find(name) is not null,
        ["test"] = (value, _) => value is string name && Find(name) is not null,
        ["eq"] = (value, a) => Operators.Compare("==", value, a.Need(0, "other"), a.Context),
        ["ne"] = (value, a) => Operators.Compare("!=", value, a.Need(0, "other"), a.Context),
        ["lt"] = (value, a) => Operators.Compare("<", value, a.Need(0, "other"), a.Context),
        ["le"] = (value, a) => Operators.Compare("<=", value, a.Need(0, "other"), a.Context),
        ["gt"] = (value, a) => Operators.Compare(">", value, a.Need(0, "other"), a.Context),
        ["ge"] = (value, a) => Operators.Compare(">=", value, a.Need(0, "other"), a.Context),
    };

    private static readonly Dictionary<string, string> s_aliases = new(StringComparer.Ordinal)
    {
        ["equalto"] = "eq",
        ["=="] = "eq",
        ["!="] = "ne",
        ["<"] = "lt",
        ["<="] = "le",
        [">"] = "gt",
        [">="] = "ge",
        ["lessthan"] = "lt",
        ["greaterthan"] = "gt",
    };

    public static string Known => string.Join(", ", s_tests.Keys);

    public static Func<object?, Arguments, bool>? Find(string name)
    {
        if (!s_tests.TryGetValue(s_aliases.GetValueOrDefault(name, name), out var test))
        {
            return null;
        }

        return (value, arguments) =>
        {
            var holds = test(value, arguments);
            arguments.Done();
            return holds;
        };
    }

    private static long Whole(object? value, Arguments arguments) =>
        Values.Number(value) is long number
            ? number
            : throw arguments.Context.Error($"{arguments.Callee} needs a whole number, not {Values.TypeName(value)}.");
}
