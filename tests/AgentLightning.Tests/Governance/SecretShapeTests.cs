using System.Text.Json;
using AgentLightning.Governance;

namespace AgentLightning.Tests.Governance;

/// <summary>Every line of the tables of shapes, with a key that is made when the test runs: none lies in the repository.</summary>
public sealed class SecretShapeTests
{
    private static readonly Redactor s_redactor = new(new RedactionOptions());

    public static TheoryData<string> Prefixes => [.. SecretShapes.All.Select(shape => shape.Prefix)];

    [Fact]
    public void The_tables_have_one_line_for_each_beginning_and_one_name_for_each_line()
    {
        var shapes = SecretShapes.All.ToList();

        Assert.InRange(shapes.Count, 200, int.MaxValue);
        Assert.Equal(shapes.Count, shapes.Select(shape => shape.Prefix).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(shapes.Count, shapes.Select(shape => shape.Name).Distinct(StringComparer.Ordinal).Count());
        Assert.All(shapes, shape => Assert.InRange(shape.Prefix.Length, 2, 40));
    }

    [Theory]
    [MemberData(nameof(Prefixes))]
    public void A_key_of_each_shape_goes_wherever_it_stands(string prefix)
    {
        var (shape, key) = KeyOf(prefix);
        var left = shape.IsAddress ? prefix : "";

        Assert.Equal($"{left}[SECRET]", s_redactor.Redact(key));
        Assert.Equal($"it was {left}[SECRET], I think", s_redactor.Redact($"it was {key}, I think"));
        Assert.Equal($"first\n{left}[SECRET]\nlast", s_redactor.Redact($"first\n{key}\nlast"));
        Assert.Equal($"the end is {left}[SECRET].", s_redactor.Redact($"the end is {key}."));
        var json = JsonSerializer.Serialize(new { note = $"see ({key})" });
        Assert.Equal($"see ({left}[SECRET])", JsonDocument.Parse(s_redactor.Redact(json)).RootElement.GetProperty("note").GetString());
    }

    [Theory]
    [MemberData(nameof(Prefixes))]
    public void The_beginning_of_a_key_alone_is_no_key(string prefix)
    {
        var text = $"a name like {prefix}name is nothing";

        Assert.Same(text, s_redactor.Redact(text));
    }

    [Theory]
    [InlineData("Azure AD", "AbC8Q~", 34)]
    [InlineData("Telegram", "123456789:AA", 33)]
    [InlineData("Terraform", "abcdefghij1234.atlasv1.", 65)]
    [InlineData("JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", 43)]
    public void What_has_something_before_its_mark_goes_whole(string issuer, string beginning, int more)
    {
        var key = beginning + Characters(Alphabet.Alnum, more);

        Assert.True(s_redactor.Redact($"it was {key}, I think") == "it was [SECRET], I think", issuer);
    }

    [Fact]
    public void What_is_told_by_its_end_or_its_middle_goes_whole()
    {
        var mailchimp = $"{Characters(Alphabet.Hex, 32)}-us12";
        var maxMind = $"{Characters(Alphabet.Alnum, 6)}_{Characters(Alphabet.Alnum, 29)}_mmk";
        var azure = $"{Characters(Alphabet.Alnum, 52)}JQQJ99{Characters(Alphabet.Alnum, 26)}";
        var search = $"{Characters(Alphabet.Alnum, 42)}AzSe{Characters(Alphabet.Alnum, 6)}";

        Assert.All([mailchimp, maxMind, azure, search], key => Assert.Equal("it was [SECRET].", s_redactor.Redact($"it was {key}.")));
    }

    [Theory]
    [InlineData("the sk-fading-circle-wrapper and css-sk-loading-spinner classes")]
    [InlineData("re_compile_something_long_and_more_of_it and re_Build_2_of_all_that_there_is_to_build_at_once")]
    [InlineData("path.to.some.module.with.a.long.name patterns.of.decisions secret_santa_list live_update_interval")]
    [InlineData("commit 4b1d0123456789abcdef0123456789abcdef0123 of test_0123456789")]
    [InlineData("api-reference-documentation-for-version-2 and access-development-environment-variables-2024")]
    [InlineData("2026-03-04 well-known us-east-1 x86_64 snake_case_name kebab-case-name-of-a-thing input_tokens_details")]
    public void Words_that_look_like_beginnings_stay(string text) => Assert.Same(text, s_redactor.Redact(text));

    /// <summary>A made-up key: its characters are those of the shape's alphabet in turn, so that digits and capitals are among them.</summary>
    internal static (SecretShape Shape, string Key) KeyOf(string prefix)
    {
        var shape = SecretShapes.All.Single(one => one.Prefix == prefix);
        return (shape, prefix + Characters(shape.Alphabet, Math.Max(shape.Shortest, 8)));
    }

    private static string Characters(System.Buffers.SearchValues<char> alphabet, int length)
    {
        var known = Enumerable
            .Range('0', 'z' - '0' + 1)
            .Select(code => (char)code)
            .Where(c => char.IsAsciiLetterOrDigit(c) && alphabet.Contains(c));
        var all = known.ToList();
        // 7 is prime to the size of every alphabet: the characters come in an order that is no word.
        return string.Concat(Enumerable.Range(0, length).Select(i => all[(3 + (i * 7)) % all.Count]));
    }
}
