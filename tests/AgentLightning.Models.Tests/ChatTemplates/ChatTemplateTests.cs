using System.Text.Json;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

public sealed class ChatTemplateTests
{
    private static readonly string s_folder = Path.Combine(
        Repository.Root,
        "tests",
        "AgentLightning.Models.Tests",
        "Fixtures",
        "ChatTemplates"
    );

    private static readonly Dictionary<string, JsonElement> s_cases = File.ReadLines(Path.Combine(s_folder, "cases.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)
        .ToDictionary(root => root.GetProperty("name").GetString()!);

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_template_gives_what_Jinja_gives(string name)
    {
        var one = s_cases[name];
        var source = one.TryGetProperty("template", out var template)
            ? template.GetString()!
            : File.ReadAllText(Path.Combine(s_folder, "families", one.GetProperty("family").GetString() + ".jinja"));
        var values = one.GetProperty("values") is { ValueKind: JsonValueKind.Object } given
            ? given
            : JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, "data.json"))).RootElement;

        if (one.TryGetProperty("expected", out var expected))
        {
            Assert.Equal(expected.GetString(), Render(source, values));
        }
        else
        {
            var error = Assert.Throws<ChatTemplateException>(() => Render(source, values));
            Assert.True(error.Line > 0, error.Message);
            // A refusal is the template's own sentence; for other errors ours says the same in other words.
            Assert.True(
                !error.Refused || error.Message.EndsWith(one.GetProperty("error").GetString()!, StringComparison.Ordinal),
                error.Message
            );
        }
    }

    [Theory]
    [InlineData("a\n{% include 'x' %}", 2, "The tag 'include' is not implemented. Implemented are: for, if, set, macro")]
    [InlineData("{{ 1 | nosuch }}", 1, "The filter 'nosuch' is not implemented. Implemented are: tojson")]
    [InlineData("{{ 1 is nosuch }}", 1, "The test 'nosuch' is not implemented")]
    [InlineData("{{ messages.append(1) }}", 1, "Make a new value with '+'")]
    [InlineData("{{ '%s' % 1 }}", 1, "Join the parts by '~'")]
    [InlineData("{{ f(*x) }}", 1, "Name each value")]
    [InlineData("{% for x in y recursive %}{% endfor %}", 1, "Use a macro")]
    [InlineData("\n\n{{ nothing() }}", 3, "'nothing' is 'nothing', which is not defined and cannot be called")]
    [InlineData("{{ messages.x.y }}", 1, "Test it with 'is defined' first")]
    [InlineData("{{ 'a' | tojson(nosuch=1) }}", 1, "The filter 'tojson' has no 'nosuch' here")]
    [InlineData("{{ 'a'.upper(1) }}", 1, "'upper' takes 0 values, but it is given 1")]
    [InlineData("{{ strftime_now('%Q') }}", 1, "'strftime_now' does not know '%Q'")]
    public void What_is_not_implemented_is_named_with_its_line_and_the_way_out(string source, int line, string message)
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source).Render([]));
        Assert.Equal(line, error.Line);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(error.Refused);
    }

    [Theory]
    [InlineData("{{ 1", 1, "has no end '}}'")]
    [InlineData("\n{% if x %}", 2, "has no 'endif'")]
    [InlineData("{% endfor %}", 1, "'endfor' ends nothing that is open")]
    [InlineData("{{ (1 }}", 1, "'}' closes nothing that is open")]
    [InlineData("{{ 'a }}", 1, "no closing '")]
    [InlineData("{# x", 1, "no end '#}'")]
    [InlineData("{{ 1 2 }}", 1, "Expected '}}', but there is '2'")]
    [InlineData("{% set true = 1 %}", 1, "'true' cannot be set")]
    [InlineData("{% break %}", 1, "outside of a loop")]
    [InlineData("{{ 99999999999999999999 }}", 1, "too large")]
    [InlineData("{% raw %}", 1, "no 'endraw'")]
    [InlineData("{{ a ? b }}", 1, "'?' has no meaning")]
    public void A_mistake_in_a_template_is_named_with_its_line(string source, int line, string message)
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source));
        Assert.Equal(line, error.Line);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "characters")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "characters")]
    [InlineData("{{ 'x' * 999999999999 }}", "characters")]
    [InlineData("{{ range(1000000000) }}", "templates may have 100000")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "deep")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", "deep")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}", "deep")]
    [InlineData("{{ ('a' * 1000000) | replace('a', 'a' * 1000000) }}", "characters")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "no result that can be held")]
    [InlineData("{{ 10 ** 1000 }}", "no result that can be held")]
    [InlineData("{{ 1 // 0 }}", "no result that can be held")]
    public void A_hostile_template_is_stopped(string source, string message) =>
        Assert.Contains(
            message,
            Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source).Render([])).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_template_nested_without_end_is_refused_and_does_not_end_the_process()
    {
        foreach (
            var source in (string[])
                [
                    "{{ " + new string('(', 100_000) + " }}",
                    "{{ " + new string('[', 100_000),
                    "{{ " + string.Concat(Enumerable.Repeat("-", 100_000)) + "1 }}",
                    string.Concat(Enumerable.Repeat("{% if 1 %}", 100_000)),
                    "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 100_000)) + " }}",
                    "{{ x" + string.Concat(Enumerable.Repeat("|trim", 100_000)) + " }}",
                    "{{ x" + string.Concat(Enumerable.Repeat(" if 1 else x", 100_000)) + " }}",
                ]
        )
        {
            Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source).Render([]));
        }
    }

    [Fact]
    public void Any_damage_to_a_template_is_an_error_with_a_line_or_another_template()
    {
        var sources = Directory
            .GetFiles(Path.Combine(s_folder, "families"))
            .Select(File.ReadAllText)
            .Concat(File.ReadAllText(Path.Combine(s_folder, "snippets.txt")).Split("\n===\n"))
            .ToArray();
        string[] pieces =
        [
            "{{",
            "}}",
            "{%",
            "%}",
            "-",
            "|",
            "(",
            ")",
            "[",
            "]",
            ".",
            ":",
            "'",
            "\"",
            "not ",
            "is ",
            "if ",
            "loop",
            "-1",
            "9223372036854775807",
            "none",
            "{",
            "}",
            "~",
            "*",
            "**",
            "//",
            "%",
            "messages",
            "d",
            "s",
            "|tojson",
            "|list",
            "[::-1]",
        ];
        var random = new Random(9);
        var data = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, "data.json"))).RootElement;
        for (var trial = 0; trial < 3_000; trial++)
        {
            var source = sources[random.Next(sources.Length)];
            for (var i = random.Next(1, 4); i > 0 && source.Length > 0; i--)
            {
                var at = random.Next(source.Length);
                source =
                    random.Next(2) == 0
                        ? source.Insert(at, pieces[random.Next(pieces.Length)])
                        : source.Remove(at, Math.Min(random.Next(1, 6), source.Length - at));
            }

            var error = Record.Exception(() => Render(source, data));
            Assert.True(error is null or ChatTemplateException { Line: > 0 }, $"trial {trial}: {error}\n{source}");
        }
    }

    [Fact]
    public void Messages_may_be_dictionaries_or_JSON()
    {
        var template = ChatTemplate.Parse("{% for m in messages %}{{ m.role }}: {{ m.content }}{{ m.n }};{% endfor %}");
        var rendered = template.Render([
            ChatTemplate.Message("user", "Hi"),
            JsonDocument.Parse("""{"role":"a","content":"b","n":1}""").RootElement,
            JsonSerializer.SerializeToNode(
                new
                {
                    role = "c",
                    content = "d",
                    n = 2.5,
                }
            ),
        ]);

        Assert.Equal("user: Hi;a: b1;c: d2.5;", rendered);
        Assert.Contains(
            "DateTime cannot be given to a template",
            Assert.Throws<ChatTemplateException>(() => template.Render([DateTime.UnixEpoch])).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_text_of_a_message_is_never_run()
    {
        var rendered = ChatTemplate
            .Parse("{% for m in messages %}{{ m.content }}{% endfor %}")
            .Render([ChatTemplate.Message("user", "{{ 1 + 1 }}{% raw %}{# x #}")]);
        Assert.Equal("{{ 1 + 1 }}{% raw %}{# x #}", rendered);
    }

    private static string Render(string source, JsonElement values)
    {
        var extra = values.EnumerateObject().ToDictionary(property => property.Name, property => (object?)property.Value);
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 3, 5, 14, 7, 9, TimeSpan.Zero));
        return ChatTemplate.Parse(source, clock).Render([], null, false, extra);
    }
}
