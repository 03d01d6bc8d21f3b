using System.Text;
using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Generation.Grammars;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>What a model writes under a schema is valid under it, however little the model knows.</summary>
public sealed class GrammarTests : IDisposable
{
    private readonly Compute _compute = new(2);

    public void Dispose() => _compute.Dispose();

    [Fact]
    public void Whatever_the_schema_and_the_model_the_answer_is_valid_json_of_that_schema()
    {
        using var model = TinyLanguage.Model();
        using var generator = new Generator(model, _compute, TinyLanguage.Tokenizer, new GeneratorOptions { MaxBatch = 4 });
        var prompt = TinyLanguage.Tokenizer.Encode("the cat");
        var made = 0;
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            var schema = JsonSerializer.SerializeToElement(RandomSchemas.Schema(random));
            var grammar = JsonGrammar.Parse(schema);
            // From just enough to plenty: what is left to say must be said in time.
            var tokens = Math.Min(grammar.Shortest + (random.Next(3) * random.Next(40)), 240);
            if (tokens < grammar.Shortest)
            {
                continue;
            }

            var options = new GenerationOptions
            {
                Grammar = grammar,
                MaxTokens = Math.Max(tokens, 1),
                Seed = seed,
                Temperature = random.Next(3),
                TopP = random.Next(2) == 0 ? 1 : 0.5f,
                TopK = random.Next(2) * 3,
            };
            foreach (var completion in generator.Generate(prompt, options, 2))
            {
                var what = $"seed {seed}, schema {schema.GetRawText()}: {completion.Text}";
                Assert.True(IsJson(completion.Text, out var value), what);
                Assert.True(RandomSchemas.Wrong(schema, value) is null, $"{what}: {RandomSchemas.Wrong(schema, value)}");
                made++;
            }
        }

        Assert.InRange(made, 250, 300);
    }

    [Theory]
    [InlineData("llama2")]
    [InlineData("qwen2")]
    public void Vocabularies_of_characters_and_of_bytes_both_keep_to_it(string family)
    {
        var tokenizer = TokenizerFixtures.Load(family);
        using var model = Transformer.Create(
            TinyModels.Config(TransformerFamily.Llama, tied: true) with
            {
                VocabularySize = tokenizer.VocabularySize,
            },
            3
        );
        using var generator = new Generator(model, _compute, tokenizer);
        var schema = JsonSerializer.SerializeToElement(
            new
            {
                type = "object",
                properties = new { name = new { type = "string", maxLength = 12 }, age = new { type = "integer" } },
                required = new[] { "name", "age" },
            }
        );

        var completions = generator.Generate(
            tokenizer.Encode("who"),
            new GenerationOptions { Grammar = JsonGrammar.Parse(schema), MaxTokens = 90 },
            8
        );

        Assert.All(completions, completion =>
        {
            Assert.True(IsJson(completion.Text, out var value), completion.Text);
            Assert.Null(RandomSchemas.Wrong(schema, value));
        });
        Assert.True(completions.Select(completion => completion.Text).Distinct().Count() > 1);
    }

    [Fact]
    public void Every_value_that_fits_a_schema_can_be_written_and_what_does_not_fit_cannot()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var schema = JsonSerializer.SerializeToElement(RandomSchemas.Schema(random));
            var text = RandomSchemas.Value(schema, random);
            var bytes = Encoding.UTF8.GetBytes(text);
            Assert.True(Accepts(schema, bytes), $"seed {seed}, schema {schema.GetRawText()}: {text}");
            // A byte changed: accepted exactly where it is still a valid value.
            var changed = (byte[])bytes.Clone();
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            if (Accepts(schema, changed))
            {
                Assert.True(
                    IsJson(changed, out var value) && RandomSchemas.Wrong(schema, value) is null,
                    $"seed {seed}, schema {schema.GetRawText()}: {Encoding.UTF8.GetString(changed)}"
                );
            }
        }
    }

    [Theory]
    [InlineData("""{"type": "string"}""", "\"\\ud800\"", "\"\\uD83D\"", "\"a", "a\"", "\"\n\"", "\"\\x\"", "'a'")]
    [InlineData("""{"type": "number"}""", "01", "1.", ".5", "+1", "1e", "--1", "1e999", "12345678901234567890")]
    [InlineData("""{"type": "integer"}""", "1.0", "1e2", "-")]
    [InlineData(
        """{"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "required": ["b"]}""",
        "{}",
        """{"a":null}""",
        """{"b":null,"a":null}""",
        """{"b":null,}""",
        """{"b":null,"b":null}""",
        """{"b":  null}"""
    )]
    [InlineData("""{"type": "array", "items": {"const": 1}, "minItems": 1, "maxItems": 2}""", "[]", "[1,1,1]", "[1,]", "[2]", "[,1]")]
    [InlineData("""{"type": "string", "pattern": "^a[0-9]{2,3}$"}""", "\"a1\"", "\"a1234\"", "\"b12\"", "\"a12", "a12")]
    [InlineData("""{"type": "string", "format": "date"}""", "\"2024-02-30\"", "\"2024-13-01\"", "\"0000-01-01\"", "\"2024-1-1\"")]
    [InlineData("""{"type": "integer", "minimum": -5, "maximum": 120}""", "-6", "121", "007", "1.0", "999")]
    [InlineData("""{"type": "number", "minimum": 0, "exclusiveMaximum": 1}""", "1", "1.0", "-0.1", "1e-3", "2")]
    [InlineData(
        """{"$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}""",
        "{\"n\":1}",
        "{\"n\":{}",
        "{\"m\":{}}"
    )]
    public void What_is_no_value_of_the_schema_is_refused(string schema, params string[] texts)
    {
        Assert.All(texts, text =>
            Assert.False(Accepts(JsonSerializer.Deserialize<JsonElement>(schema), Encoding.UTF8.GetBytes(text)), text)
        );
    }

    [Theory]
    [InlineData("{\"type\": \"string\", \"pattern\": \"b+c\"}", "\"abbcd\"", "\"bc\"", "\"\\\"bc\"")]
    [InlineData("""{"type": "string", "pattern": "^(ja|😀|[^a-z]+é\\s)$"}""", "\"ja\"", "\"Ä1é \"", "\"😀\"", "\"Äé\\t\"")]
    [InlineData("""{"type": "string", "format": "date-time"}""", "\"2024-02-28T23:59:59Z\"", "\"2024-12-31T00:00:00.25+02:00\"")]
    [InlineData("""{"type": "integer", "minimum": -5, "maximum": 120}""", "-5", "-1", "0", "9", "10", "99", "100", "119", "120")]
    [InlineData("""{"type": "integer", "exclusiveMinimum": 8}""", "9", "10", "123456789012345")]
    [InlineData(
        """{"type": "number", "minimum": -1.5, "maximum": 10.25}""",
        "-1.5",
        "-1.499",
        "-0.5",
        "0",
        "3.75",
        "9.999999",
        "10",
        "10.0",
        "10.25",
        "10.2",
        "10.249"
    )]
    [InlineData("""{"type": "number", "exclusiveMinimum": 0.05, "maximum": 0.1}""", "0.051", "0.0501", "0.07", "0.1", "0.10")]
    [InlineData("""{"oneOf": [{"type": "integer", "minimum": 1}, {"allOf": [{"const": "none"}]}]}""", "1", "\"none\"")]
    [InlineData("""{"type": "array", "items": {"$ref": "#"}}""", "[]", "[[],[[]]]")]
    [InlineData("""{"$defs": {"a/b": {"const": 1}}, "$ref": "#/$defs/a~1b"}""", "1")]
    public void Values_of_patterns_formats_bounds_and_references_fit(string schema, params string[] texts)
    {
        Assert.All(texts, text =>
            Assert.True(Accepts(JsonSerializer.Deserialize<JsonElement>(schema), Encoding.UTF8.GetBytes(text)), text)
        );
    }

    [Fact]
    public void Numbers_between_any_two_bounds_fit_exactly_when_they_are_between_them()
    {
        var random = new Random(3);
        for (var round = 0; round < 300; round++)
        {
            decimal low = Number(),
                high = Number();
            (low, high) = (Math.Min(low, high), Math.Max(low, high));
            var (whole, aboveLow, belowHigh) = (random.Next(3) == 0, random.Next(2) == 0, random.Next(2) == 0);
            var schema = JsonSerializer.SerializeToElement(
                new Dictionary<string, object>
                {
                    ["type"] = whole ? "integer" : "number",
                    [aboveLow ? "exclusiveMinimum" : "minimum"] = low,
                    [belowHigh ? "exclusiveMaximum" : "maximum"] = high,
                }
            );
            GrammarStates states;
            try
            {
                states = new GrammarStates(JsonGrammar.Parse(schema));
            }
            catch (ArgumentException e) when (e.Message.Contains("no number is", StringComparison.Ordinal))
            {
                Assert.True(whole || low == high, e.Message);
                continue;
            }

            foreach (
                var value in Enumerable
                    .Range(0, 40)
                    .Select(_ => whole ? decimal.Floor(Number()) : Number())
                    .Concat(whole ? [] : [low, high])
            )
            {
                var fits = (aboveLow ? value > low : value >= low) && (belowHigh ? value < high : value <= high);
                var text = value.ToString(System.Globalization.CultureInfo.InvariantCulture);
                Assert.True(fits == Accepts(states, Encoding.UTF8.GetBytes(text)), $"{text} with {schema.GetRawText()}");
            }
        }

        decimal Number() => Math.Round((decimal)((random.NextDouble() - 0.4) * Math.Pow(10, random.Next(4))), random.Next(4));
    }

    [Fact]
    public void Patterns_fit_exactly_what_they_do_as_regular_expressions()
    {
        string[] patterns =
        [
            "^a*b?$",
            "a|bc",
            "^(a|b)+c{2,3}$",
            "^[^ab]$",
            "^[a-c]{0,2}[-x]$",
            @"^\w+\s\d$",
            @"^\W\D\S$",
            "^.$",
            "^(?:ab|a)(?:c|bcd)$",
            "^$",
            "^a.?c",
            "b$",
            @"^\u0061\x62$",
            "^(a(b(c)?)?)?$",
            "^a{2}$",
            "^a{2,}$",
        ];
        var random = new Random(5);
        foreach (var pattern in patterns)
        {
            var states = new GrammarStates(JsonGrammar.Parse(JsonSerializer.SerializeToElement(new { type = "string", pattern })));
            for (var round = 0; round < 400; round++)
            {
                var text = string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => "aabbccdx1 -_é\n\"\\"[random.Next(15)]));
                var json = text.Replace("\\", "\\\\", StringComparison.Ordinal)
                    .Replace("\"", "\\\"", StringComparison.Ordinal)
                    .Replace("\n", "\\n", StringComparison.Ordinal);
                // A dollar is the very end, as in ECMAScript.
                var expected = System.Text.RegularExpressions.Regex.IsMatch(
                    text,
                    pattern.EndsWith('$') ? pattern[..^1] + "\\z" : pattern,
                    System.Text.RegularExpressions.RegexOptions.ECMAScript
                );
                Assert.True(expected == Accepts(states, Encoding.UTF8.GetBytes($"\"{json}\"")), $"{pattern} on {json}");
            }
        }
    }

    [Fact]
    public void What_holds_itself_ends_within_the_depth_that_readers_take()
    {
        var schema = JsonSerializer.Deserialize<JsonElement>(
            """{"$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}"""
        );

        Assert.True(Accepts(schema, Encoding.UTF8.GetBytes(new string('[', 64) + new string(']', 64))));
        Assert.False(Accepts(schema, Encoding.UTF8.GetBytes(new string('[', 65) + new string(']', 65))));
        using var document = JsonDocument.Parse(new string('[', 64) + new string(']', 64));
    }

    [Fact]
    public void Tokens_that_may_come_are_those_that_fit_byte_by_byte()
    {
        var trie = new TokenTrie(TinyLanguage.Tokenizer, TinyLanguage.Tokenizer.VocabularySize);
        var random = new Random(9);
        for (var round = 0; round < 120; round++)
        {
            var schema = JsonSerializer.SerializeToElement(RandomSchemas.Schema(random));
            var grammar = JsonGrammar.Parse(schema);
            var constraint = new TokenConstraint(grammar, trie, TinyLanguage.Tokenizer.VocabularySize);
            var state = constraint.Start;
            var left = grammar.Shortest + random.Next(60);
            while (state.GoesOn && left > 0)
            {
                left--;
                var allowed = constraint.Allowed(state, left, []).ToArray();
                var tokens = Enumerable
                    .Range(0, TinyLanguage.Tokenizer.VocabularySize)
                    .Where(token => (allowed[token >> 6] & (1UL << (token & 63))) != 0)
                    .ToArray();
                var expected = Enumerable
                    .Range(0, TinyLanguage.Tokenizer.VocabularySize)
                    .Where(token => trie.BytesOf(token) is { Length: > 0 } && constraint.After(state, token).Left <= left)
                    .ToArray();
                Assert.Equal(expected, tokens);
                if (tokens.Length == 0)
                {
                    Assert.True(state.IsWhole);
                    break;
                }

                state = constraint.After(state, tokens[random.Next(tokens.Length)]);
            }
        }
    }

    [Fact]
    public void Bytes_that_are_no_characters_are_refused()
    {
        var schema = JsonSerializer.Deserialize<JsonElement>("""{"type": "string"}""");
        byte[][] texts =
        [
            [0x80],
            [0xC0, 0x80],
            [0xE0, 0x80, 0x80],
            [0xED, 0xA0, 0x80],
            [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xE2, 0x82],
            [0x1F],
        ];
        Assert.All(texts, text => Assert.False(Accepts(schema, [(byte)'"', .. text, (byte)'"'])));
        Assert.True(Accepts(schema, "\"é€😀\u007f\""u8.ToArray()));
    }

    [Fact]
    public void Log_probabilities_are_those_of_the_model_without_the_schema_and_choices_follow_them()
    {
        using var model = TinyLanguage.Model();
        using var generator = new Generator(model, _compute, TinyLanguage.Tokenizer);
        var prompt = TinyLanguage.Tokenizer.Encode("the cat");
        var grammar = JsonGrammar.Parse("""{"enum": ["ab", "cd"]}""");

        var completions = generator.Generate(prompt, new GenerationOptions { Grammar = grammar, MaxTokens = 8 }, 200);

        Assert.All(completions, completion => Assert.Equal(FinishReason.Stop, completion.FinishReason));
        Assert.Equal(["\"ab\"", "\"cd\""], completions.Select(completion => completion.Text.TrimStart(' ')).Distinct().Order());
        using var session = new TrainingSession(model, _compute);
        foreach (var completion in completions.Take(5))
        {
            int[] all = [.. prompt, .. completion.TokenIds];
            var expected = new float[completion.TokenIds.Count];
            session.Forward(
                all,
                [0, all.Length],
                [.. Enumerable.Range(prompt.Length - 1, expected.Length)],
                all.AsSpan(prompt.Length),
                expected
            );
            Close.All(expected, [.. completion.LogProbabilities], 1e-4);
        }
    }

    [Theory]
    [InlineData(
        """{"type": "string", "pattern": "(?=a)b"}""",
        "#: the pattern '(?=a)b' has a group that looks around, which is not supported (at character 2)"
    )]
    [InlineData("""{"type": "string", "pattern": "(a)\\1"}""", "has '\\1'")]
    [InlineData("""{"type": "string", "pattern": "a^"}""", "a '^' at this place")]
    [InlineData("""{"type": "string", "pattern": "a)"}""", "a ')' that closes nothing")]
    [InlineData("""{"type": "string", "pattern": "[b-a]"}""", "a range of a class")]
    [InlineData("""{"type": "string", "pattern": "(\\w{1,900} ){1,900}"}""", "takes more than 50,000 steps")]
    [InlineData("""{"type": "string", "pattern": "^[]$"}""", "no text fits the pattern")]
    [InlineData("""{"type": "string", "pattern": "a", "maxLength": 3}""", "'pattern' beside 'maxLength'")]
    [InlineData(
        """{"type": "string", "format": "uri"}""",
        "the format 'uri' is not supported; there are date, time, date-time, uuid, ipv4, email"
    )]
    [InlineData("""{"type": "integer", "minimum": 1, "multipleOf": 2}""", "the keyword 'multipleOf' is not supported")]
    [InlineData("""{"type": "integer", "minimum": 1.2, "maximum": 1.8}""", "no number is from 1.2 to 1.8")]
    [InlineData("""{"type": "number", "exclusiveMinimum": 2, "maximum": 2}""", "no number is from 2 (without it) to 2")]
    [InlineData("""{"type": "number", "minimum": "1"}""", "'minimum' must be a number")]
    [InlineData("""{"$ref": "#"}""", "'#' refers to itself with nothing in between")]
    [InlineData("""{"$ref": "#/$defs/a"}""", "#: '$ref' points to '#/$defs/a', but there is no '$defs'")]
    [InlineData("""{"$ref": "https://example.com/schema"}""", "must point into the schema itself")]
    [InlineData(
        """{"$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}, "minItems": 1}}, "$ref": "#/$defs/a"}""",
        "holds itself without an end"
    )]
    [InlineData("""{"allOf": [{"type": "string"}, {"type": "string"}]}""", "'allOf' of 2")]
    [InlineData("""{"type": "object", "additionalProperties": {"type": "string"}}""", "'additionalProperties' with a schema")]
    [InlineData("""{"anyOf": [{"type": "string"}, {"oneOf": []}]}""", "#/anyOf/1", "'oneOf' is empty")]
    [InlineData("""{"type": "object", "required": ["a"]}""", "'a' is required, but it is not among the properties")]
    [InlineData("""{"type": "array"}""", "'items'")]
    [InlineData("""{"type": "text"}""", "'text'")]
    [InlineData("""{"type": "string", "minLength": 3, "maxLength": 2}""", "'minLength' is 3 and 'maxLength' 2")]
    [InlineData("""{"enum": []}""", "'enum' is empty")]
    [InlineData("""{}""", "it has nothing")]
    [InlineData("[]", "must be an object")]
    [InlineData("{", "not JSON")]
    public void What_cannot_be_kept_to_is_named_with_its_place(string schema, params string[] named)
    {
        var message = Assert.Throws<ArgumentException>(() => JsonGrammar.Parse(schema)).Message;

        Assert.All(named, part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Fact]
    public void What_cannot_be_ended_in_time_is_refused_before_it_begins()
    {
        using var model = TinyLanguage.Model();
        using var generator = new Generator(model, _compute, TinyLanguage.Tokenizer);
        var grammar = JsonGrammar.Parse("""{"const": "a long text"}""");

        Assert.Contains(
            "has 13 bytes",
            Assert.Throws<ArgumentException>(() => generator.Add([1], new GenerationOptions { Grammar = grammar, MaxTokens = 12 })).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "stop strings",
            Assert.Throws<ArgumentException>(() => generator.Add([1], new GenerationOptions { Grammar = grammar, Stop = ["a"] })).Message,
            StringComparison.Ordinal
        );
        using var silent = new Generator(model, _compute, null);
        Assert.Contains(
            "needs a tokenizer",
            Assert.Throws<ArgumentException>(() => silent.Add([1], new GenerationOptions { Grammar = grammar })).Message,
            StringComparison.Ordinal
        );
    }

    private static bool Accepts(JsonElement schema, byte[] text) => Accepts(new GrammarStates(JsonGrammar.Parse(schema)), text);

    private static bool Accepts(GrammarStates states, byte[] text)
    {
        var state = states.Start;
        foreach (var value in text)
        {
            state = state.Step(value);
        }

        return state.IsWhole;
    }

    private static bool IsJson(string text, out JsonElement value) => IsJson(Encoding.UTF8.GetBytes(text), out value);

    private static bool IsJson(byte[] text, out JsonElement value)
    {
        value = default;
        try
        {
            using var document = JsonDocument.Parse(text);
            value = document.RootElement.Clone();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
