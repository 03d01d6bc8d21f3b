using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Generation.Grammars;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Models.Tokenizers.Bpe;

namespace AgentLightning.Benchmarks;

/// <summary>
/// What it costs to keep a completion to a JSON schema with a vocabulary as large as that of Qwen: microseconds per token for the mask
/// beside a tenth of the time of a decoding step of 117 million parameters, and how much longer decoding takes with a schema than without
/// one. Without weights every token is as likely as another, so texts are long and go everywhere: the worst case.
/// </summary>
internal static class ConstrainBenchmark
{
    private const int Vocabulary = 151_936,
        Tokens = 96;

    private const string Schema = """
        {"$defs": {"part": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "count": {"type": "integer", "minimum": 0, "maximum": 500},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}}}, "required": ["name"]}},
        "type": "object", "properties": {"title": {"type": "string", "minLength": 3, "maxLength": 40}, "made": {"type": "string", "format": "date"}, "code": {"type": "string", "pattern": "^[a-z ]{2,30}$"},
        "state": {"enum": ["open", "closed", "unknown"]}, "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}}, "note": {"type": "string"}}, "required": ["title", "made", "code", "state", "parts", "note"]}
        """;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var compute = new Compute(2);
        var tokenizer = Tokenizer.Parse(Json());
        using var model = Transformer.Allocate(
            new TransformerConfig
            {
                Family = TransformerFamily.Qwen2,
                VocabularySize = Vocabulary,
                Width = 512,
                Layers = 14,
                Heads = 8,
                KeyValueHeads = 2,
                HeadWidth = 64,
                InnerWidth = 1408,
                MaxPositions = 512,
                QueryKeyValueBias = true,
                TiedEmbeddings = true,
            },
            StoredType.BF16
        );
        using var generator = new Generator(model, compute, tokenizer);
        var grammar = JsonGrammar.Parse(Schema);
        var (seed, times) = (0L, new List<double[]>());
        for (var round = -2; round < 12; round++)
        {
            seed++;
            double[] figures = [Seconds(null), Seconds(grammar), Seconds(JsonGrammar.Parse(Schema))];
            if (round >= 0)
            {
                times.Add(figures);
            }
        }

        var step = times.Select(round => round[0]).Median() * 1e6;
        var trie = new TokenTrie(tokenizer, Vocabulary);
        Masks(trie, 1);
        var (first, again) = Masks(trie, 2);
        return Task.FromResult<IReadOnlyList<Figure>>([
            Figure.AtMost(
                "constrain",
                $"mask of {Vocabulary:N0} tokens, schema seen for the first time; limit a tenth of a step of "
                    + $"{model.ParameterCount / 1e6:F0}M BF16",
                first,
                "µs per token",
                Math.Round(step / 10, 1)
            ),
            Figure.AtMost("constrain", "mask, places seen before", again, "µs per token", Math.Round(step / 10, 1)),
            Figure.AtMost(
                "constrain",
                "decoding with a schema, batch 1, median of 12 rounds",
                times.Select(round => round[1] / round[0]).Median(),
                "times as long as without",
                1.1
            ),
            Figure.AtMost(
                "constrain",
                "decoding with a schema seen for the first time",
                times.Select(round => round[2] / round[0]).Median(),
                "times as long as without",
                1.1
            ),
        ]);

        double Seconds(JsonGrammar? shape)
        {
            var start = Stopwatch.GetTimestamp();
            var completion = generator.Generate(
                [1, 2, 3],
                new GenerationOptions
                {
                    MaxTokens = shape is null ? Tokens : 2 * shape.Shortest,
                    Seed = seed,
                    Grammar = shape,
                    StopIds = [],
                }
            )[0];
            return Stopwatch.GetElapsedTime(start).TotalSeconds / completion.TokenIds.Count;
        }
    }

    /// <summary>Goes twice along a text that is drawn from what may come.</summary>
    private static (double First, double Again) Masks(TokenTrie trie, int seed)
    {
        var constraint = new TokenConstraint(JsonGrammar.Parse(Schema), trie, Vocabulary);
        var random = new Random(seed);
        var (drawn, allowed) = (new List<int>(), new List<int>());
        var (first, again) = (0L, 0L);
        var state = constraint.Start;
        for (var left = 400; state.GoesOn && left > 0; left--)
        {
            var start = Stopwatch.GetTimestamp();
            var mask = constraint.Allowed(state, left, []);
            first += Stopwatch.GetTimestamp() - start;
            allowed.Clear();
            for (var token = 0; token < Vocabulary; token++)
            {
                if ((mask[token >> 6] & (1UL << (token & 63))) != 0)
                {
                    allowed.Add(token);
                }
            }

            drawn.Add(allowed[random.Next(allowed.Count)]);
            state = constraint.After(state, drawn[^1]);
        }

        state = constraint.Start;
        foreach (var (i, token) in drawn.Index())
        {
            var start = Stopwatch.GetTimestamp();
            constraint.Allowed(state, 400 - i, []);
            again += Stopwatch.GetTimestamp() - start;
            state = constraint.After(state, token);
        }

        return (
            Stopwatch.GetElapsedTime(0, first).TotalMicroseconds / drawn.Count,
            Stopwatch.GetElapsedTime(0, again).TotalMicroseconds / drawn.Count
        );
    }

    /// <summary>
    /// A vocabulary over bytes with words of several scripts, with and without a blank before them, punctuation and runs of blanks.
    /// </summary>
    private static string Json()
    {
        var random = new Random(1);
        var tokens = new HashSet<string>(Enumerable.Range(0, 256).Select(value => ByteAlphabet.Write([(byte)value])));
        while (tokens.Count < Vocabulary)
        {
            var text = random.Next(100) switch
            {
                < 45 => " " + Word(random.Next(1, 5)),
                < 80 => Word(random.Next(1, 4)),
                < 88 => string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => (char)random.Next(0x4E00, 0x9FA5))),
                < 93 => string.Concat(Enumerable.Range(0, random.Next(2, 8)).Select(_ => (char)random.Next(0x430, 0x450))),
                < 97 => string.Concat(Enumerable.Range(0, random.Next(2, 6)).Select(_ => "\"':,.;{}[]()<>/\\=-_!?#* \n"[random.Next(25)])),
                < 98 => new string(' ', random.Next(2, 100)) + Word(random.Next(2)),
                _ => Word(1).ToUpperInvariant() + Word(random.Next(1, 3)),
            };
            tokens.Add(ByteAlphabet.Write(Encoding.UTF8.GetBytes(text)));
        }

        var vocabulary = tokens.Index().ToDictionary(token => token.Item, token => token.Index);
        return JsonSerializer.Serialize(
            new Dictionary<string, object>
            {
                ["model"] = new Dictionary<string, object>
                {
                    ["type"] = "BPE",
                    ["vocab"] = vocabulary,
                    ["merges"] = Array.Empty<string>(),
                },
                ["pre_tokenizer"] = new
                {
                    type = "ByteLevel",
                    add_prefix_space = false,
                    use_regex = true,
                },
                ["decoder"] = new { type = "ByteLevel" },
            }
        );

        string Word(int syllables) =>
            string.Concat(
                Enumerable
                    .Range(0, syllables)
                    .Select(_ =>
                        $"{"bcdfghjklmnprstvwxyz"[random.Next(20)]}{"aeiou"[random.Next(5)]}{(random.Next(2) == 0 ? "" : $"{"nrstlm"[random.Next(6)]}")}"
                    )
            );
    }
}
