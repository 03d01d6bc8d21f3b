using AgentLightning.Models.Architectures;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Tests;

/// <summary>What a completion says depends on its prompt, options and seed, and on nothing else.</summary>
public sealed class GenerationTests : IDisposable
{
    private readonly Compute _compute = new(2);
    private readonly Transformer _model = TinyLanguage.Model();
    private readonly Tokenizer _tokenizer = TinyLanguage.Tokenizer;

    public void Dispose()
    {
        _model.Dispose();
        _compute.Dispose();
    }

    [Fact]
    public void Every_completion_has_the_same_tokens_alone_and_in_any_batch()
    {
        int[][] prompts =
        [
            .. Enumerable.Range(0, 9).Select(p => Enumerable.Range(0, 1 + (p * 13)).Select(t => ((t * 31) + p) % 270).ToArray()),
        ];
        GenerationOptions[] options =
        [
            .. prompts.Select(
                (_, p) =>
                    new GenerationOptions
                    {
                        MaxTokens = 5 + (p * 7),
                        Seed = p,
                        Temperature = p % 3 * 0.7f,
                        TopK = p % 2 * 20,
                        TopP = p % 4 == 0 ? 1 : 0.9f,
                        MinP = p == 5 ? 0.05f : 0,
                        StopIds = [250],
                    }
            ),
        ];
        Completion[] alone =
        [
            .. prompts.SelectMany(
                (prompt, p) => With(new GeneratorOptions(), generator => generator.Generate(prompt, options[p], 1 + (p % 4)))
            ),
        ];

        foreach (
            var settings in new[]
            {
                new GeneratorOptions(),
                new GeneratorOptions { MaxBatch = 3, PromptTokensPerStep = 7 },
                new GeneratorOptions
                {
                    MaxBatch = 64,
                    CacheTokens = 288,
                    PromptTokensPerStep = 1000,
                },
            }
        )
        {
            var together = With(settings, generator =>
            {
                var all = new List<Completion>();
                for (var p = 0; p < prompts.Length; p++)
                {
                    all.AddRange(generator.Add(prompts[p], options[p], 1 + (p % 4)));
                    generator.Step();
                }

                generator.Run();
                Assert.Equal(0, generator.Unfinished);
                return all;
            });

            Assert.Equal(alone.Select(c => c.TokenIds), together.Select(c => c.TokenIds));
            Assert.Equal(alone.Select(c => c.LogProbabilities), together.Select(c => c.LogProbabilities));
            Assert.Equal(alone.Select(c => c.Text), together.Select(c => c.Text));
        }

        Assert.True(alone.Select(c => string.Join(' ', c.TokenIds)).Distinct().Count() > 12);
    }

    [Fact]
    public void A_seed_and_a_place_in_the_group_fix_the_tokens_and_another_seed_gives_others()
    {
        var options = new GenerationOptions { MaxTokens = 12, Seed = 5 };
        int[] prompt = [1, 2, 3];

        var first = With(new(), generator => generator.Generate(prompt, options, 4));
        var again = With(new(), generator => generator.Generate(prompt, options, 4));
        var other = With(new(), generator => generator.Generate(prompt, options with { Seed = 6 }, 4));

        Assert.Equal(first.Select(c => c.TokenIds), again.Select(c => c.TokenIds));
        Assert.Equal(4, first.Select(c => string.Join(' ', c.TokenIds)).Distinct().Count());
        Assert.DoesNotContain(other, c => first.Any(f => f.TokenIds.SequenceEqual(c.TokenIds)));
    }

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(1f, 1f)]
    [InlineData(0.6f, 0.6f)]
    public void Log_probabilities_are_those_of_training_at_the_temperature(float temperature, float counted)
    {
        int[] prompt = [10, 20, 30, 40];
        var completion = With(new(), generator => generator.Generate(
                prompt,
                new GenerationOptions
                {
                    MaxTokens = 20,
                    Temperature = temperature,
                    TopP = 0.9f,
                    StopIds = [],
                }
            ))[0];
        int[] all = [.. prompt, .. completion.TokenIds];
        var expected = new float[20];
        using var training = new TrainingSession(_model, _compute);
        training.Forward(all, [0, all.Length], [.. Enumerable.Range(3, 20)], [.. completion.TokenIds], expected, default, counted);

        Close.All(expected, completion.LogProbabilities.ToArray(), 2e-5);
    }

    [Fact]
    public void Greedy_takes_the_likeliest_token_and_so_do_the_narrowest_choices()
    {
        int[] prompt = [7, 8, 9];
        Completion Of(GenerationOptions options) =>
            With(new(), generator => generator.Generate(prompt, options with { MaxTokens = 16, StopIds = [] }))[0];
        var greedy = Of(new GenerationOptions { Temperature = 0 });

        Assert.Equal(greedy.TokenIds, Of(new GenerationOptions { TopK = 1, Seed = 3 }).TokenIds);
        Assert.Equal(greedy.TokenIds, Of(new GenerationOptions { TopP = 1e-6f, Seed = 3 }).TokenIds);
        Assert.Equal(greedy.TokenIds, Of(new GenerationOptions { MinP = 1, Seed = 3 }).TokenIds);
        Assert.NotEqual(greedy.TokenIds, Of(new GenerationOptions { Seed = 3 }).TokenIds);
    }

    [Fact]
    public unsafe void Draws_have_the_shares_that_the_options_leave()
    {
        // p = 0.4, 0.3, 0.2, 0.1
        float[] p = [0.4f, 0.3f, 0.2f, 0.1f];
        Check(new GenerationOptions(), 0.4, 0.3, 0.2, 0.1);
        Check(new GenerationOptions { TopK = 2 }, 4 / 7.0, 3 / 7.0, 0, 0);
        Check(new GenerationOptions { TopP = 0.75f }, 4 / 9.0, 3 / 9.0, 2 / 9.0, 0);
        Check(new GenerationOptions { TopK = 3, TopP = 0.75f }, 4 / 7.0, 3 / 7.0, 0, 0);
        Check(new GenerationOptions { MinP = 0.3f }, 4 / 9.0, 3 / 9.0, 2 / 9.0, 0);
        Check(new GenerationOptions { Temperature = 0.5f }, 16 / 30.0, 9 / 30.0, 4 / 30.0, 1 / 30.0);

        void Check(GenerationOptions options, params double[] shares)
        {
            const int Draws = 20_000;
            var sampler = new Sampler(4);
            var random = new SeededRandom(2);
            var seen = new int[4];
            var logits = stackalloc float[32];
            for (var i = 0; i < Draws; i++)
            {
                for (var t = 0; t < 4; t++)
                {
                    logits[t] = MathF.Log(p[t]) + 3;
                }

                seen[sampler.Sample(logits, options, random).Id]++;
            }

            for (var t = 0; t < 4; t++)
            {
                // Five standard deviations.
                Assert.Equal(shares[t], seen[t] / (double)Draws, 5 * Math.Sqrt(shares[t] * (1 - shares[t]) / Draws));
            }
        }
    }

    [Fact]
    public void A_stop_string_ends_the_text_before_it_wherever_tokens_begin_and_end()
    {
        int[] prompt = [1, 2];
        var options = new GenerationOptions
        {
            MaxTokens = 60,
            Seed = 1,
            StopIds = [],
        };
        var free = With(new(), generator => generator.Generate(prompt, options))[0];
        var across = 0;
        for (var at = 1; at + 3 <= free.Text.Length; at++)
        {
            var stop = free.Text.Substring(at, 3);
            if (stop.Contains('\uFFFD', StringComparison.Ordinal))
            {
                continue;
            }

            var parts = new List<string>();
            var stopped = With(new(), generator =>
                generator.Generate(prompt, options with { Stop = ["never seen", stop] }, 1, token => parts.Add(token.Text))
            )[0];

            Assert.Equal(FinishReason.Stop, stopped.FinishReason);
            Assert.Equal(free.Text[..free.Text.IndexOf(stop, StringComparison.Ordinal)], stopped.Text);
            Assert.Equal(stopped.Text, string.Concat(parts));
            Assert.Equal(free.TokenIds.Take(stopped.TokenIds.Count), stopped.TokenIds);
            across += _tokenizer.Decode([stopped.TokenIds[^1]]).Contains(stop, StringComparison.Ordinal) ? 0 : 1;
        }

        Assert.True(across > 5, $"only {across} stop strings lay across tokens");
    }

    [Fact]
    public void An_ending_token_is_among_the_ids_and_not_in_the_text_and_the_limit_is_a_length()
    {
        int[] prompt = [4];
        var options = new GenerationOptions
        {
            MaxTokens = 30,
            Seed = 2,
            StopIds = [],
        };
        var free = With(new(), generator => generator.Generate(prompt, options))[0];
        Assert.Equal((FinishReason.Length, 30), (free.FinishReason, free.TokenIds.Count));

        var ended = With(new(), generator => generator.Generate(prompt, options with { StopIds = [free.TokenIds[9]] }))[0];
        var first = free.TokenIds.ToList().IndexOf(free.TokenIds[9]);

        Assert.Equal(FinishReason.Stop, ended.FinishReason);
        Assert.Equal(free.TokenIds.Take(first + 1), ended.TokenIds);
    }

    [Fact]
    public void Parts_of_a_stream_never_break_a_character_and_add_up_to_the_text()
    {
        var parts = new List<GeneratedToken>();
        var completion = With(new(), generator => generator.Generate(
                [3, 4],
                new GenerationOptions
                {
                    MaxTokens = 80,
                    Seed = 9,
                    StopIds = [],
                },
                1,
                parts.Add
            ))[0];

        Assert.Equal(completion.TokenIds, parts.Select(part => part.Id));
        Assert.Equal(completion.LogProbabilities, parts.Select(part => part.LogProbability));
        Assert.Equal(completion.Text, string.Concat(parts.Select(part => part.Text)));
        Assert.Equal(_tokenizer.Decode(completion.TokenIds), completion.Text);
    }

    [Fact]
    public void A_completion_can_be_cancelled_while_the_others_go_on_and_all_of_them_by_a_token()
    {
        using var generator = new Generator(_model, _compute, _tokenizer, new GeneratorOptions { MaxBatch = 2 });
        var options = new GenerationOptions { MaxTokens = 20, StopIds = [] };
        var group = generator.Add([1, 2, 3], options, 4);
        generator.Step();
        generator.Step();
        group[0].Cancel();
        group[3].Cancel();
        generator.Run();

        Assert.Equal(
            [FinishReason.Cancelled, FinishReason.Length, FinishReason.Length, FinishReason.Cancelled],
            group.Select(c => c.FinishReason!.Value)
        );
        Assert.Equal(group[1].TokenIds.Count, group[2].TokenIds.Count);
        Assert.InRange(group[0].TokenIds.Count, 1, 3);

        using var source = new CancellationTokenSource();
        IReadOnlyList<Completion> rest = [];
        rest = generator.Add([1, 2, 3], options, 3, token =>
        {
            if (token.Completion.TokenIds.Count == 5)
            {
                source.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(() => generator.Run(source.Token));
        Assert.All(rest, c => Assert.Equal(FinishReason.Cancelled, c.FinishReason));
        Assert.Equal(0, generator.Unfinished);
        Assert.Equal(20, generator.Generate([1, 2, 3], options)[0].TokenIds.Count);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_the_numbers()
    {
        using var generator = new Generator(_model, _compute, null, new GeneratorOptions { CacheTokens = 128 });

        Refused("context of this model holds 256", [.. new int[250]], new GenerationOptions { MaxTokens = 7 });
        Refused("takes 6 pages of the cache, but there are 4", [.. new int[100]], new GenerationOptions { MaxTokens = 30 });
        Refused("no tokens", [], new GenerationOptions());
        Refused("top-p must be above 0", [1], new GenerationOptions { TopP = 0 });
        Refused("temperature must be 0 or more, but it is -1", [1], new GenerationOptions { Temperature = -1 });
        Refused("need a tokenizer", [1], new GenerationOptions { Stop = ["x"] });
        Refused("not in the vocabulary", [5000], new GenerationOptions());
        Assert.Equal(0, generator.Unfinished);
        Assert.Equal(86, generator.Generate([.. new int[10]], new GenerationOptions()).Single().TokenIds.Count);

        void Refused(string part, int[] prompt, GenerationOptions options) =>
            Assert.Contains(
                part,
                Assert.ThrowsAny<ArgumentException>(() => generator.Add(prompt, options)).Message,
                StringComparison.Ordinal
            );
    }

    [Fact]
    public void A_step_allocates_nothing_when_only_ids_are_asked_for()
    {
        using var generator = new Generator(_model, _compute, null);
        var options = new GenerationOptions
        {
            MaxTokens = 200,
            TopK = 40,
            TopP = 0.9f,
            StopIds = [],
        };
        generator.Generate([1, 2, 3], options, 8);
        generator.Add([1, 2, 3], options, 8);
        generator.Step();
        generator.Step();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 150; i++)
        {
            generator.Step();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private T With<T>(GeneratorOptions options, Func<Generator, T> use)
    {
        using var generator = new Generator(_model, _compute, _tokenizer, options);
        return use(generator);
    }
}
