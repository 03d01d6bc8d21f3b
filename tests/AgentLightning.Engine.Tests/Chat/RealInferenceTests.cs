using System.Runtime.CompilerServices;
using AgentLightning.Common;
using AgentLightning.Engine.Backends;
using AgentLightning.Engine.Chat;
using AgentLightning.Testing;

namespace AgentLightning.Engine.Tests;

/// <summary>
/// Agents on models that really compute, without a stand-in for any part. The names are those of the suite that this one continues. A
/// folder in <c>LIGHTNING_TEST_MODEL</c>, such as that of distilgpt2, is tested beside the small model that is made here.
/// </summary>
[Trait("Category", "llm_real")]
public sealed class RealInferenceTests(RealModelFixture models, ITestOutputHelper output) : IClassFixture<RealModelFixture>, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly Log _log = new();
    private readonly LocalModels _models = new(TimeProvider.System, new Random(1));

    public static TheoryData<string> Models => RealModelFixture.Models;

    public void Dispose()
    {
        _models.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task load_agent_huggingface_real(string model)
    {
        using var agent = await Loader().LoadAsync("huggingface", models.FolderOf(model), validate: false);

        Assert.Equal("huggingface", agent.Settings.Backend);
        Assert.Equal(0, _models.Loaded);
        Assert.NotEmpty((await agent.InvokeAsync(Ask("Hello"))).Response);
        Assert.Equal(1, _models.Loaded);
        Assert.NotEmpty(await ReadAsync(agent, "Hello"));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task chat_completion_real(string model)
    {
        using var agent = await Loader().LoadAsync("huggingface", models.FolderOf(model), validate: false);

        var answer = await agent.InvokeAsync(Ask("Say hello"));

        Assert.False(string.IsNullOrWhiteSpace(answer.Response));
        Assert.InRange(answer.Usage!.OutputTokenCount!.Value, 1, 24);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task validate_agent_real(string model)
    {
        using var agent = await Loader().LoadAsync("huggingface", models.FolderOf(model), validate: false);
        using var missing = await Loader().LoadAsync("huggingface", _folder.File("missing"), validate: false);

        Assert.True(await Loader().ValidateAsync(agent));
        Assert.False(await Loader().ValidateAsync(missing));
        (await Loader().LoadAsync("huggingface", models.FolderOf(model))).Dispose();
        await Assert.ThrowsAsync<LightningException>(() => Loader().LoadAsync("huggingface", _folder.File("missing")));
    }

    [Fact]
    public async Task load_agent_invalid_model()
    {
        using var agent = await Loader().LoadAsync("huggingface", "nobody/invalid-model-name-12345", validate: false);

        var error = await Assert.ThrowsAsync<LightningException>(() => agent.InvokeAsync(Ask("Hello")));

        Assert.Contains(new[] { "not found", "invalid", "error", "failed", "does not exist", "repository" }, word =>
            error.Message.Contains(word, StringComparison.OrdinalIgnoreCase)
        );
        Assert.Contains("invalid-model-name-12345", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task backend_auto_detection(string model)
    {
        _environment["AF_LLM_MODEL"] = models.FolderOf(model);

        using var found = await Loader().LoadAsync(validate: false);
        using var named = await Loader().LoadAsync("huggingface", models.FolderOf(model), validate: false);

        Assert.Equal(("huggingface", models.FolderOf(model)), (found.Settings.Backend, found.Settings.Model));
        Assert.NotEmpty((await found.InvokeAsync(Ask("Hello"))).Response);
        Assert.NotEmpty((await named.InvokeAsync(Ask("Hello"))).Response);
        Assert.Equal(1, _models.Loaded);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task config_file_loading(string model)
    {
        _environment["TEST_MODEL_FOLDER"] = models.FolderOf(model);
        await File.WriteAllTextAsync(
            _folder.File("config.toml"),
            """
            [midori_ai_agent_base]
            backend = "huggingface"
            [midori_ai_agent_base.huggingface]
            model = "${TEST_MODEL_FOLDER}"
            max_new_tokens = 5
            temperature = 0.0
            """
        );

        using var agent = await Loader().LoadAsync(validate: false);
        var (first, again) = (
            await agent.InvokeAsync(new AgentPayload { UserMessage = "Hello" }),
            await agent.InvokeAsync(new AgentPayload { UserMessage = "Hello" })
        );

        Assert.InRange(first.Usage!.OutputTokenCount!.Value, 1, 5);
        Assert.Equal(first.Response, again.Response);
        Assert.Equal(["Agent loaded: huggingface " + models.FolderOf(model)], _log.Lines);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task concurrent_agent_loading(string model)
    {
        // Random numbers are drawn by both at once here.
        using var shared = new LocalModels(TimeProvider.System);
        var agents = await Task.WhenAll(
            Enumerable
                .Range(0, 2)
                .Select(_ => Task.Run(() => Loader(shared).LoadAsync("huggingface", models.FolderOf(model), validate: false)))
        );

        var answers = await Task.WhenAll(agents.Select(agent => Task.Run(() => agent.InvokeAsync(Ask("Hello")))));

        Assert.NotSame(agents[0], agents[1]);
        Assert.All(answers, answer => Assert.InRange(answer.Usage!.OutputTokenCount!.Value, 1, 24));
        Assert.Equal(1, shared.Loaded);
        agents[0].Dispose();
        Assert.Equal(1, shared.Loaded);
        agents[1].Dispose();
        Assert.Equal(0, shared.Loaded);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task streaming_response_real(string model)
    {
        using var agent = await Loader().LoadAsync("huggingface", models.FolderOf(model), validate: false);

        var pieces = new List<string>();
        await foreach (var piece in agent.StreamAsync(Ask("Tell me a story")))
        {
            pieces.Add(piece);
            if (pieces.Count == 5)
            {
                break;
            }
        }

        Assert.InRange(pieces.Count, 1, 5);
        Assert.All(pieces, piece => Assert.NotEqual("", piece));
        // Whoever stops listening in the middle leaves the model free for the next.
        Assert.NotEmpty(await ReadAsync(agent, "And another"));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task agent_memory_cleanup(string model)
    {
        var gone = await UseAndDropAsync(models.FolderOf(model));
        for (var i = 0; i < 100 && gone.IsAlive; i++)
        {
            // The thread that ended the use may not have left its frames yet.
            await Task.Yield();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(0, _models.Loaded);
        Assert.False(gone.IsAlive, "the first agent is still held by something");
        using var agent = await Loader().LoadAsync("huggingface", models.FolderOf(model), validate: false);
        Assert.NotEmpty((await agent.InvokeAsync(Ask("Hello"))).Response);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task e2e_conversation_flow(string model)
    {
        using var agent = await Loader().LoadAsync("huggingface", models.FolderOf(model), validate: true);

        var first = await agent.InvokeAsync(Ask("My name is Ada.") with { SessionId = "talk" });
        var second = await agent.InvokeAsync(Ask("What is my name?") with { SessionId = "talk" });
        var alone = await agent.InvokeAsync(Ask("What is my name?") with { SessionId = "other" });

        Assert.All([first, second, alone], answer => Assert.NotEmpty(answer.Response));
        // The second turn is read with the first, question and answer.
        Assert.True(
            second.Usage!.InputTokenCount > first.Usage!.InputTokenCount + alone.Usage!.InputTokenCount / 2,
            $"{first.Usage.InputTokenCount}, {second.Usage.InputTokenCount}, {alone.Usage.InputTokenCount}"
        );
    }

    [Fact]
    public void module_summary()
    {
        string[] tests =
        [
            .. typeof(RealInferenceTests)
                .GetMethods()
                .Where(method => method.IsDefined(typeof(FactAttribute), inherit: true))
                .Select(method => method.Name),
        ];

        output.WriteLine($"{tests.Length} tests: {string.Join(", ", tests)}");
        output.WriteLine(
            RealModelFixture.Given is { } given
                ? $"Also with {given}."
                : $"Only with a small model made here; name a folder in {RealModelFixture.Variable} for another."
        );
        Assert.Equal(
            [
                "agent_memory_cleanup",
                "backend_auto_detection",
                "chat_completion_real",
                "concurrent_agent_loading",
                "config_file_loading",
                "e2e_conversation_flow",
                "load_agent_huggingface_real",
                "load_agent_invalid_model",
                "module_summary",
                "streaming_response_real",
                "validate_agent_real",
            ],
            tests.Order(StringComparer.Ordinal)
        );
    }

    private BackendLoader Loader(LocalModels? shared = null) =>
        new(
            new BackendLoaderOptions
            {
                CreateLocal = (shared ?? _models).CreateChatClient,
                Folder = _folder.Path,
                Environment = name => _environment.GetValueOrDefault(name),
            },
            _log
        );

    private static AgentPayload Ask(string message) =>
        new()
        {
            UserMessage = message,
            SystemContext = "You are a helpful assistant.",
            MaxTokens = 24,
        };

    private static async Task<string> ReadAsync(ChatBackend backend, string message)
    {
        var text = "";
        await foreach (var piece in backend.StreamAsync(Ask(message)))
        {
            text += piece;
        }

        return text;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<WeakReference> UseAndDropAsync(string folder)
    {
        using var agent = await Loader().LoadAsync("huggingface", folder, validate: false);
        Assert.NotEmpty((await agent.InvokeAsync(Ask("Hello"))).Response);
        return new WeakReference(agent);
    }
}
