using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>What an agent called shop learns from: a small model with a chat template, and a data set of each kind for language models.</summary>
internal static class ShopStore
{
    public const string Agent = "shop";

    /// <summary>The base model's name.</summary>
    public const string Model = "tiny";

    private const string Template =
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

    private static readonly (string Question, string Good, string Bad)[] s_talks =
    [
        ("where is my order", "it is on its way", "i do not know"),
        ("can i send it back", "yes within ten days", "no never"),
        ("do you sell shoes", "yes we do", "buy a hat"),
        ("are you open today", "yes until six", "go away"),
    ];

    /// <summary>A conversation of the data sets, and its good answer.</summary>
    public static (string Question, string Answer) Talk => (s_talks[0].Question, s_talks[0].Good);

    /// <summary>Makes the model in a folder of models.</summary>
    public static async Task AddModelAsync(string models, string name = Model, bool hasTemplate = true)
    {
        var folder = Path.Combine(models, name);
        string[] texts = [.. s_talks.SelectMany(talk => new[] { $"<user>{talk.Question}\n<assistant>{talk.Good}\n", talk.Bad })];
        await LanguageModelFolder.CreateAsync(folder, texts, vocabulary: 300, width: 32);
        if (hasTemplate)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "chat_template.jinja"), Template);
        }
    }

    /// <summary>Stores a data set of a kind, and returns its id. One of four conversations is held out.</summary>
    public static async Task<string> AddDatasetAsync(IServiceProvider services, DatasetKind kind, bool knowsAnswers = true)
    {
        var rows = s_talks.Select((_, i) => Row(kind, i, knowsAnswers)).ToList();
        var artifact = await services
            .GetRequiredService<IArtifactStore>()
            .PutAsync(
                async stream =>
                {
                    foreach (var row in rows)
                    {
                        await JsonSerializer.SerializeAsync(stream, row, row.GetType(), LightningJson.Options);
                        stream.WriteByte((byte)'\n');
                    }
                },
                CancellationToken.None
            );
        var now = DateTimeOffset.UtcNow;
        var dataset = new Dataset(Ids.New(now), Agent, EnumText.Of(kind), 0, "all", null, 1, rows.Count - 1, 1, rows.Count, artifact, now)
        {
            Kind = kind,
        };
        return (await services.GetRequiredService<IDatasetStore>().AddAsync(dataset, CancellationToken.None)).Id;
    }

    private static object Row(DatasetKind kind, int i, bool knowsAnswers)
    {
        var (question, good, bad) = s_talks[i];
        var side = i == s_talks.Length - 1 ? DatasetSide.Validation : DatasetSide.Train;
        DatasetMessage[] asked = [new("user", question)];
        var (yes, no) = (new DatasetMessage("assistant", good), new DatasetMessage("assistant", bad));
        return kind switch
        {
            DatasetKind.Chat => new ChatRow($"s{i}", side, [.. asked, yes], null, i == 1 ? -1 : 1, [$"e{i}"]),
            DatasetKind.Preference => new PreferenceRow($"s{i}", side, asked, yes, no, 1, -1, [$"e{i}", $"f{i}"]),
            _ => new PromptRow(
                $"s{i}",
                side,
                asked,
                knowsAnswers ? good : null,
                [new DatasetAnswer($"e{i}", good, -1, 1), new DatasetAnswer($"f{i}", bad, -1, -1)]
            ),
        };
    }
}
