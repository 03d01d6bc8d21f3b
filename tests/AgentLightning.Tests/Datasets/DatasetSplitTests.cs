using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Datasets.Building;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;
using CsCheck;

namespace AgentLightning.Tests.Datasets;

/// <summary>What holds for data sets of any episodes.</summary>
public sealed class DatasetSplitTests
{
    private static readonly string[] s_words = ["order", "late", "refund", "blue", "lamp", "chair", "where", "please", "7", "é", "日本"];

    /// <summary>Sessions, inputs that are often nearly alike, and rewards.</summary>
    private static readonly Gen<(int? Session, int[] Words, double Reward, bool Corrected)[]> s_episodes = Gen.Select(
        Gen.Int[0, 12].Nullable(),
        Gen.Int[0, s_words.Length - 1].Array[1, 24],
        Gen.Double[-1, 1],
        Gen.Frequency((5, Gen.Const(false)), (1, Gen.Const(true)))
    ).Array[1, 60];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_session_and_no_input_is_on_both_sides_and_one_seed_gives_one_content()
    {
        await Gen.Select(s_episodes, Gen.OneOf(Gen.Const("chat"), Gen.Const("preference"), Gen.Const("prompts")), Gen.Long)
            .SampleAsync(
                async drawn =>
                {
                    var (episodes, kind, seed) = drawn;
                    await using var product = await FilledAsync(episodes);
                    var input = new DatasetInput(Product.Agent, Kind: kind, MinReward: -1, Seed: seed);
                    var preview = await product.Get<BuildDataset>().PreviewAsync(Product.Owner, input, Token);
                    Assert.Equal(episodes.Length, preview.EpisodeCount + preview.Excluded.Sum(exclusion => exclusion.Count));
                    if (preview.EpisodeCount == 0)
                    {
                        return;
                    }

                    var built = (await product.Get<BuildDataset>().ExecuteAsync(Product.Owner, input, Token)).Dataset;
                    var again = (await product.Get<BuildDataset>().ExecuteAsync(Product.Owner, input, Token)).Dataset;
                    var rows = await RowsAsync(product, built);

                    Assert.Equal(built.Artifact, again.Artifact);
                    Assert.Equal((preview.TrainingCount, preview.ValidationCount), (built.TrainingCount, built.ValidationCount));
                    Assert.Equal(rows.Count, built.TrainingCount + built.ValidationCount);
                    Assert.True(built.TrainingCount > 0);
                    var bySession = rows.SelectMany(row => row.Episodes.Select(id => (Session: SessionOf(id), row.Side)));
                    OnOneSide(bySession.Where(pair => pair.Session is not null));
                    OnOneSide(rows.Select(row => ((string?)row.Key, row.Side)));
                    var heldOut = rows.Where(row => row.Side == DatasetSide.Validation).Select(row => Parts(row.Input)).ToList();
                    Assert.All(rows.Where(row => row.Side == DatasetSide.Train), row =>
                        Assert.DoesNotContain(heldOut, other => Alike(Parts(row.Input), other) >= 0.95)
                    );

                    string? SessionOf(string id) => episodes[int.Parse(id.AsSpan(1))].Session?.ToString();
                },
                iter: 25
            );
    }

    [Fact]
    public void Nearly_the_same_is_found_and_what_is_another_is_not()
    {
        var (signature, near) = (new InputSignature(), new NearInputs(0));
        var random = new Random(1);
        var texts = Enumerable.Range(0, 2_000).Select(_ => Draw(random, 30)).ToList();
        foreach (var text in texts)
        {
            near.Add(Sign(signature, text));
        }

        var (missed, wrong) = (0, 0);
        foreach (var text in texts)
        {
            // One word of thirty is another: about 0.9 in common.
            var words = text.Split(' ');
            words[random.Next(words.Length)] = "zzz";
            missed += near.Contains(Sign(signature, string.Join(' ', words))) ? 0 : 1;
            wrong += near.Contains(Sign(signature, Draw(random, 30))) ? 1 : 0;
        }

        Assert.InRange(missed, 0, 20);
        Assert.Equal(0, wrong);
        Assert.True(near.Contains(Sign(signature, texts[0].ToUpperInvariant() + "!!")));
    }

    [Fact]
    public void An_input_without_words_is_the_same_as_itself_alone()
    {
        var (signature, near) = (new InputSignature(), new NearInputs(0));
        near.Add(Sign(signature, "???"));

        Assert.True(near.Contains(Sign(signature, "???")));
        Assert.False(near.Contains(Sign(signature, "!!!")));
        Assert.False(near.Contains(Sign(signature, "a")));
    }

    private static byte[] Sign(InputSignature signature, string text)
    {
        var (bytes, signed) = (System.Text.Encoding.UTF8.GetBytes(text), new byte[InputSignature.Length]);
        signature.Begin();
        signature.Add(bytes);
        signature.End(bytes, signed);
        return signed;
    }

    private static string Draw(Random random, int words) =>
        string.Join(' ', Enumerable.Range(0, words).Select(_ => $"w{random.Next(5_000)}"));

    private static async Task<Product> FilledAsync((int? Session, int[] Words, double Reward, bool Corrected)[] drawn)
    {
        var product = await Product.OpenAsync();
        var episodes = drawn.Select(
            (one, i) =>
                new Episode
                {
                    Id = $"e{i}",
                    AgentId = Product.Agent,
                    SessionId = one.Session?.ToString(),
                    UserInput = string.Join(' ', one.Words.Select(word => s_words[word])),
                    AssistantOutput = $"answer {i}",
                    RequestLatencyMs = 1,
                    CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000).AddSeconds(i / 3),
                }
        );
        await product.Get<IEpisodeStore>().AddAsync([.. episodes], Token);
        var rewards = drawn.Select(
            (one, i) =>
                new Reward
                {
                    Id = $"r{i}",
                    EpisodeId = $"e{i}",
                    AgentId = Product.Agent,
                    Source = RewardSource.HumanApproval,
                    Value = one.Reward,
                    Correction = one.Corrected ? "corrected" : null,
                    CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
                }
        );
        await product.Get<IRewardStore>().AddAsync([.. rewards], Token);
        return product;
    }

    private static async Task<IReadOnlyList<Row>> RowsAsync(Product product, Dataset dataset)
    {
        var reader = product.Get<DatasetReader>();
        return dataset.Kind switch
        {
            DatasetKind.Chat => await reader
                .ReadRowsAsync<ChatRow>(dataset, Token)
                .Select(row => Row.Of(row, row.Messages))
                .ToListAsync(Token),
            DatasetKind.Preference => await reader
                .ReadRowsAsync<PreferenceRow>(dataset, Token)
                .Select(row => Row.Of(row, row.Messages))
                .ToListAsync(Token),
            _ => await reader.ReadRowsAsync<PromptRow>(dataset, Token).Select(row => Row.Of(row, row.Messages)).ToListAsync(Token),
        };
    }

    private static void OnOneSide(IEnumerable<(string? Key, DatasetSide Side)> rows) =>
        Assert.All(rows.GroupBy(row => row.Key), group => Assert.Single(group.Select(row => row.Side).Distinct()));

    /// <summary>Its words and pairs of neighbouring words.</summary>
    private static HashSet<string> Parts(string text)
    {
        // A character of a script without blanks is a word.
        var words = text.Replace("日本", "日 本", StringComparison.Ordinal).Split(' ');
        return [.. words, .. words.Zip(words.Skip(1), (left, right) => $"{left} {right}")];
    }

    private static double Alike(HashSet<string> left, HashSet<string> right)
    {
        var common = left.Count(right.Contains);
        return (double)common / (left.Count + right.Count - common);
    }

    private sealed record Row(string Key, DatasetSide Side, IReadOnlyList<string> Episodes, string Input)
    {
        public static Row Of(IDatasetRow row, IReadOnlyList<DatasetMessage> messages) =>
            new(row.Key, row.Side, row.EpisodeIds, messages.First(message => message.Role == "user").Content!);
    }
}
