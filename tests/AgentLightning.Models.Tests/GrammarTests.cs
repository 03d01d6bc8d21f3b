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

            var options = new GenerationOptions { Grammar = grammar, MaxTokens = Math.Max(tokens, 1), Seed = seed, Temperature = random.Next(3), TopP = random.Next(2) == 0 ? 1 : 0.5f, TopK = random.Next(2) * 3 };
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
        using var model = Transformer.Create(TinyModels.Config(TransformerFamily.Llama, tied: true) with { VocabularySize = tokenizer.VocabularySize }, 3);
        using var generator = new Generator(model, _compute, tokenizer);
        var schema = JsonSerializer.SerializeToElement(new { type = "object", properties = new { name = new { type = "string", maxLength = 12 }, age = new { type = "integer" } }, required = new[] { "name", "age" } });

        var completions = generator.Generate(tokenizer.Encode("who"), new GenerationOptions { Grammar = JsonGrammar.Parse(schema), MaxTokens = 90 }, 8);

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
                Assert.True(IsJson(changed, out var value) && RandomSchemas.Wrong(schema, value) is null, $"seed {seed}, schema {schema.GetRawText()}: {Encoding.UTF8.GetString(changed)}");
            }
        }
    }

    [Theory]
    [InlineData("""{"type": "string"}""", "\"\\ud800\"", "\"\\uD83D\"", "\"a", "a\"", "\"\n\"", "\"\\x\"", "'a'")]
    [InlineData("""{"type": "number"}""", "01", "1.", ".5", "+1", "1e", "--1", "1e999", "12345678901234567890")]
    [InlineData("""{"type": "integer"}""", "1.0", "1e2", "-")]
    [InlineData("""{"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "required": ["b"]}""", "{}", """{"a":null}""", """{"b":null,"a":null}""", """{"b":null,}""", """{"b":null,"b":null}""", """{"b":  null}""")]
    [InlineData("""{"type": "array", "items": {"const": 1}, "minItems": 1, "maxItems": 2}""", "[]", "[1,1,1]", "[1,]", "[2]", "[,1]")]
    public void What_is_no_value_of_the_schema_is_refused(string schema, params string[] texts)
    {
        Assert.All(texts, text => Assert.False(Accepts(JsonSerializer.Deserialize<JsonElement>(schema), Encoding.UTF8.GetBytes(text)), text));
    }

    [Fact]
    public void Bytes_that_are_no_characters_are_refused()
    {
        var schema = JsonSerializer.Deserialize<JsonElement>("""{"type": "string"}""");
        byte[][] texts = [[0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x1F]];
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
            session.Forward(all, [0, all.Length], [.. Enumerable.Range(prompt.Length - 1, expected.Length)], all.AsSpan(prompt.Length), expected);
            Close.All(expected, [.. completion.LogProbabilities], 1e-4);
        }
    }

    [Theory]
    [InlineData("""{"type": "string", "pattern": "a+"}""", "#: the keyword 'pattern' is not supported")]
    [InlineData("""{"type": "object", "properties": {"a": {"$ref": "#"}}}""", "#/properties/a: it must have 'type'", "but it has $ref")]
    [InlineData("""{"type": "integer", "minimum": 1}""", "the keyword 'minimum' is not supported")]
    [InlineData("""{"type": "object", "additionalProperties": {"type": "string"}}""", "'additionalProperties' with a schema")]
    [InlineData("""{"anyOf": [{"type": "string"}, {"oneOf": []}]}""", "#/anyOf/1", "oneOf")]
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

        Assert.Contains("has 13 bytes", Assert.Throws<ArgumentException>(() => generator.Add([1], new GenerationOptions { Grammar = grammar, MaxTokens = 12 })).Message, StringComparison.Ordinal);
        Assert.Contains("stop strings", Assert.Throws<ArgumentException>(() => generator.Add([1], new GenerationOptions { Grammar = grammar, Stop = ["a"] })).Message, StringComparison.Ordinal);
        using var silent = new Generator(model, _compute, null);
        Assert.Contains("needs a tokenizer", Assert.Throws<ArgumentException>(() => silent.Add([1], new GenerationOptions { Grammar = grammar })).Message, StringComparison.Ordinal);
    }

    private static bool Accepts(JsonElement schema, byte[] text)
    {
        var state = new GrammarStates(JsonGrammar.Parse(schema)).Start;
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
