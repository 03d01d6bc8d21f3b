using AgentLightning.Cli.Tests.Support;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Engine.Chat;
using AgentLightning.Engine.Tuned;
using AgentLightning.Models.Adapters;
using AgentLightning.Storage;
using AgentLightning.Testing;
using AgentLightning.Training;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Engine.Tests.Tuned;

/// <summary>What a training run stored is opened again as a chat client, or refused with the reason.</summary>
public sealed class TunedModelsTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private ServiceProvider _services = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IReleaseChatClients Releases => _services.GetRequiredService<IReleaseChatClients>();

    private IArtifactStore Artifacts => _services.GetRequiredService<IArtifactStore>();

    private string Base => Path.Combine(_folder.File("models"), "tiny");

    public async ValueTask InitializeAsync()
    {
        await LanguageModelFolder.CreateAsync(Base, ["user assistant system", "the cat sat on the mat"]);
        _services = new ServiceCollection()
            .AddLogging()
            .AddLightningServices(
                new LightningOptions
                {
                    Store = _folder.File("lightning.db"),
                    Models = new ModelOptions { Folder = _folder.File("models"), MostLoaded = 1 },
                }
            )
            .AddEngine()
            .BuildServiceProvider();
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Adapters_answer_each_in_its_own_way_under_its_own_name_on_weights_that_are_read_once()
    {
        var (first, second) = (await AdapterAsync(1), await AdapterAsync(2));
        using var one = await Releases.OpenAsync("shop-1", first, Token);
        using var other = await Releases.OpenAsync("shop-2", second, Token);
        using var again = await Releases.OpenAsync("shop-1", first, Token);

        var (a, b, c) = (await AnswerAsync(one), await AnswerAsync(other), await AnswerAsync(again));

        Assert.Equal(("shop-1", "shop-2"), (a.ModelId, b.ModelId));
        Assert.Equal(a.Text, c.Text);
        Assert.NotEqual(a.Text, b.Text);
        Assert.Equal("shop-2", other.GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.True(_services.GetRequiredService<LocalModels>().Holds(Base));
    }

    [Fact]
    public async Task A_model_that_is_used_stays_and_of_those_that_are_not_no_more_than_were_asked_for()
    {
        var tuned = _services.GetRequiredService<TunedModels>();
        var (first, second) = (await AdapterAsync(1), await AdapterAsync(2));
        var kept = await Releases.OpenAsync("shop-1", first, Token);
        (await Releases.OpenAsync("shop-2", second, Token)).Dispose();
        Assert.Equal(2, tuned.Kept);

        kept.Dispose();

        Assert.Equal(1, tuned.Kept);
        using var back = await Releases.OpenAsync("shop-2", second, Token);
        Assert.NotEqual("", (await AnswerAsync(back)).Text);
    }

    [Fact]
    public async Task An_adapter_whose_base_changed_since_or_went_away_is_refused_with_the_reason()
    {
        var adapter = await AdapterAsync(1);
        var elsewhere = await AdapterAsync(1, "gone");
        await File.AppendAllTextAsync(Path.Combine(Base, "config.json"), " ", Token);

        var changed = await Assert.ThrowsAsync<LightningException>(async () => await Releases.OpenAsync("shop-1", adapter, Token));
        var gone = await Assert.ThrowsAsync<LightningException>(async () => await Releases.OpenAsync("shop-1", elsewhere, Token));

        Assert.Equal((ErrorKind.Conflict, ErrorKind.Conflict), (changed.Kind, gone.Kind));
        Assert.Matches("'tiny' as it was then, with the hash [0-9a-f]{12}…, but .* has the hash [0-9a-f]{12}… now", changed.Message);
        Assert.Contains("adapter of 'gone', which is not on this machine", gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_changed_since_it_was_stored_or_is_no_language_model_is_refused_with_the_reason()
    {
        var adapter = await AdapterAsync(1);
        var file = Path.Combine(_folder.File("lightning.artifacts"), adapter["sha256:".Length..]);
        var bytes = await File.ReadAllBytesAsync(file, Token);
        bytes[^2000] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, Token);
        var other = await Artifacts.PutAsync(new MemoryStream(new byte[2000]), Token);

        var changed = await Assert.ThrowsAsync<LightningException>(async () => await Releases.OpenAsync("shop-1", adapter, Token));
        var stranger = await Assert.ThrowsAsync<LightningException>(async () => await Releases.OpenAsync("labels", other, Token));

        Assert.Equal(ErrorKind.Corrupt, changed.Kind);
        Assert.Contains("was changed after it was stored", changed.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Conflict, stranger.Kind);
        Assert.Contains("'labels' is no language model", stranger.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_words_of_manifests_stay_what_they_are()
    {
        var manifest = new TunedManifest(TunedManifest.Name, TunedKind.Adapter, "tiny", "ab", null);

        Assert.Equal(
            """{"format":"agent-lightning/language-model/1","kind":"adapter","base_model":"tiny","base_sha256":"ab","chat_template":null}""",
            System.Text.Encoding.UTF8.GetString(manifest.ToJson())
        );
        Assert.Equal(["Adapter", "Model"], Enum.GetNames<TunedKind>());
    }

    private static Task<ChatResponse> AnswerAsync(IChatClient client) =>
        client.GetResponseAsync("the cat", new ChatOptions { Temperature = 0, MaxOutputTokens = 12 }, Token);

    /// <summary>An adapter that changes much, stored as training runs store it.</summary>
    private async Task<string> AdapterAsync(long seed, string baseModel = "tiny")
    {
        using var model = LanguageModel.Load(Base, null, 1, null, Token);
        using var adapter = Adapter.Create(model.Model, new AdapterOptions { Rank = 2, Alpha = 64 }, seed);
        foreach (var (parameter, i) in adapter.Parameters.Select((parameter, i) => (parameter, i)))
        {
            parameter.Write(0, [.. Enumerable.Range(0, (int)parameter.Count).Select(j => MathF.Sin((seed * 7) + (i * 13) + j))]);
        }

        var folder = _folder.File($"adapter-{seed}-{baseModel}");
        await PeftFolder.SaveAsync(adapter, folder, baseModel, Token);
        var manifest = new TunedManifest(TunedManifest.Name, TunedKind.Adapter, baseModel, ModelHash.Of(Base), null);
        return await Artifacts.PutAsync(stream => TunedArchive.WriteAsync(stream, manifest, folder, Token), Token);
    }
}
