using AgentLightning.Cli.Tests.Support;
using AgentLightning.Common;
using AgentLightning.Engine.Backends;
using AgentLightning.Engine.Chat;
using AgentLightning.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Engine.Tests;

/// <summary>Agents on a server, over HTTP, and on models in this process.</summary>
public sealed class BackendLoaderTests : IAsyncLifetime
{
    private const string Key = "test-key-12345";
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly Log _log = new();
    private readonly LocalModels _models = new(TimeProvider.System);
    private FakeOpenAiServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await FakeOpenAiServer.StartAsync();
        (_environment["OPENAI_API_URL"], _environment["OPENAI_API_KEY"], _environment["AF_LLM_MODEL"]) = (
            _server.BaseUrl.AbsoluteUri,
            Key,
            "test-model"
        );
    }

    public async ValueTask DisposeAsync()
    {
        _models.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_server_of_the_environment_is_chosen_and_asked_the_question_of_validation()
    {
        using var agent = await Loader().LoadAsync();

        Assert.Equal(("openai", "test-model"), (agent.Settings.Backend, agent.Settings.Model));
        var request = Assert.Single(_server.Requests);
        Assert.Equal("Please say 'Hello world' and 5 words about yourself", request.LastUserText);
        Assert.Equal("You are a helpful assistant.", request.Body.GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Contains("Agent loaded: openai test-model", _log.Lines);
    }

    [Theory]
    [InlineData("12345", false)]
    [InlineData("123456", true)]
    [InlineData("<think>a long thought</think>12345", false)]
    public async Task Validation_wants_an_answer_of_more_than_five_characters(string answer, bool valid)
    {
        _server.Answer = (_, _) => FakeOpenAiAnswer.Of(answer);
        using var agent = await Loader().LoadAsync(validate: false);

        Assert.Equal(valid, await Loader().ValidateAsync(agent));
        var loading = Loader().LoadAsync(validate: true);
        if (valid)
        {
            (await loading).Dispose();
        }
        else
        {
            Assert.Contains(
                "did not pass validation: it answered only 5 characters",
                (await Assert.ThrowsAsync<LightningException>(() => loading)).Message,
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task An_agent_that_fails_its_validation_is_not_loaded_and_the_error_says_why_without_the_key()
    {
        _server.Answer = (_, _) => FakeOpenAiAnswer.Error(401, $"Incorrect API key provided: {Key}");

        var error = await Assert.ThrowsAsync<LightningException>(() => Loader().LoadAsync());
        using var agent = await Loader().LoadAsync(validate: false);

        Assert.Contains("openai test-model", error.Message, StringComparison.Ordinal);
        Assert.Contains("refuses the API key test...2345", error.Message, StringComparison.Ordinal);
        Assert.False(await Loader().ValidateAsync(agent));
        Assert.DoesNotContain(Key, error.Message + string.Concat(_log.Lines) + agent.Settings, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_validation_is_a_cancellation()
    {
        using var cancel = new CancellationTokenSource();
        _server.Answer = (_, _) =>
            new FakeOpenAiAnswer
            {
                Before = async (_, context) =>
                {
                    await cancel.CancelAsync();
                    await LoopbackServer.HangAsync(context);
                },
            };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Loader().LoadAsync(cancellationToken: cancel.Token));
    }

    [Fact]
    public async Task Settings_of_the_file_reach_the_server_and_a_request_goes_before_them()
    {
        await File.WriteAllTextAsync(
            _folder.File("config.toml"),
            $"""
            [midori_ai_agent_base]
            backend = "openai"
            api_key = "key-of-the-file"
            [midori_ai_agent_base.reasoning_effort]
            effort = "high"
            [midori_ai_agent_base.openai]
            model = "file-model"
            temperature = 0.25
            max_tokens = 55
            """
        );

        using var agent = await Loader().LoadAsync(validate: false);
        using var plain = await Loader().LoadAsync(validate: false, useConfig: false);
        await agent.InvokeAsync(new AgentPayload { UserMessage = "Hello" });
        await agent.InvokeAsync(
            new AgentPayload
            {
                UserMessage = "Hello",
                MaxTokens = 3,
                ReasoningEffort = "low",
            }
        );
        await plain.InvokeAsync(new AgentPayload { UserMessage = "Hello" });

        var seen = _server
            .Requests.Select(request =>
                string.Join(
                    ' ',
                    new[] { "model", "temperature", "max_tokens", "reasoning_effort" }.Select(name =>
                        request.Body.TryGetProperty(name, out var value) ? value.ToString() : "-"
                    )
                )
            )
            .ToList();
        Assert.Equal(["file-model 0.25 55 high", "file-model 0.25 3 low", "test-model - - -"], seen);
        Assert.Equal(
            ["Bearer key-of-the-file", "Bearer key-of-the-file", $"Bearer {Key}"],
            _server.Requests.Select(request => request.Authorization)
        );
    }

    [Fact]
    public async Task A_session_is_one_conversation_and_others_do_not_see_it()
    {
        _server.Answer = (request, _) =>
            FakeOpenAiAnswer.Of($"<think>about {request.LastUserText}</think>", $"You said {request.LastUserText}.");
        using var agent = await Loader().LoadAsync(validate: false);

        var first = await agent.InvokeAsync(
            new AgentPayload
            {
                UserMessage = "one",
                SessionId = "s",
                SystemContext = "Be brief.",
                UserProfile = "A child.",
            }
        );
        var pieces = new List<string>();
        await foreach (var piece in agent.StreamAsync(new AgentPayload { UserMessage = "two", SessionId = "s" }))
        {
            pieces.Add(piece);
        }

        await agent.InvokeAsync(new AgentPayload { UserMessage = "three", SessionId = "s" });
        await agent.InvokeAsync(new AgentPayload { UserMessage = "alone", SessionId = "t" });
        await agent.InvokeAsync(
            new AgentPayload
            {
                UserMessage = "given",
                SessionId = "s",
                Memory = [new ChatMessage(ChatRole.User, "before")],
            }
        );

        Assert.Equal(("about one", "You said one."), (first.Thinking, first.Response));
        Assert.Equal(11, first.Usage!.TotalTokenCount);
        Assert.Equal(["<think>about two</think>", "You said two."], pieces);
        Assert.Equal(
            ["Be brief.\n\nA child.|one", "one|You said one.|two", "one|You said one.|two|You said two.|three", "alone", "before|given"],
            _server.Requests.Select(request =>
                string.Join(
                    '|',
                    request.Body.GetProperty("messages").EnumerateArray().Select(message => Text(message.GetProperty("content")))
                )
            )
        );

        static string Text(System.Text.Json.JsonElement content) =>
            content.ValueKind == System.Text.Json.JsonValueKind.String
                ? content.GetString()!
                : string.Concat(content.EnumerateArray().Select(part => part.GetProperty("text").GetString()));
    }

    [Theory]
    [InlineData("plain", "", "plain")]
    [InlineData("<think>a</think> b <reasoning>c</reasoning>d", "a\nc", "b d")]
    [InlineData("<THINKING>a</THINKING>b", "a", "b")]
    [InlineData("b<chain_of_thought>never ends", "never ends", "b")]
    [InlineData("a < b and <thought>", "", "a < b and <thought>")]
    public void Thoughts_are_told_from_answers(string text, string thinking, string response) =>
        Assert.Equal((thinking, response), Reasoning.Split(text));

    [Fact]
    public void The_beginning_of_a_long_session_and_old_sessions_are_forgotten()
    {
        var sessions = new ChatSessions(mostCharacters: 20);
        sessions.Add("long", "first", "answer");
        sessions.Add("long", "second", "answer");
        for (var i = 0; i < 1_000; i++)
        {
            sessions.Add($"{i}", "q", "a");
        }

        Assert.Empty(sessions.Of("long"));
        sessions.Add("long", "first", "answer");
        sessions.Add("long", "second", "answer");
        Assert.Equal(["second", "answer"], sessions.Of("long").Select(message => message.Text));
        Assert.Empty(sessions.Of("0"));
        Assert.Equal(2, sessions.Of("999").Count);
    }

    [Fact]
    public async Task A_model_that_the_machine_cannot_hold_is_refused_before_it_is_read()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"]);
        var size = new FileInfo(_folder.File("model/model.safetensors")).Length;
        await File.WriteAllBytesAsync(_folder.File("model/pytorch_model.bin"), new byte[size]);
        using var agent = await Loader(new MachineMemory(() => (2 * size) - 1))
            .LoadAsync("huggingface", _folder.File("model"), validate: false);
        using var fits = await Loader(new MachineMemory(() => 2 * size)).LoadAsync("huggingface", _folder.File("model"), validate: false);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            agent.InvokeAsync(new AgentPayload { UserMessage = "the cat", MaxTokens = 3 })
        );

        Assert.Equal("0.0GB system memory required, but only 0.0GB detected", error.Message);
        Assert.Equal(0, _models.Loaded);
        Assert.Equal(3, (await fits.InvokeAsync(new AgentPayload { UserMessage = "the cat", MaxTokens = 3 })).Usage!.OutputTokenCount);
        Assert.Equal(new MemoryRequirements(2 * size, size), MachineMemory.RequirementsOf(_folder.File("model")));
        Assert.Equal(default, MachineMemory.RequirementsOf(_folder.File("nothing")));
    }

    [Fact]
    public async Task A_model_that_another_agent_holds_needs_no_more_memory()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"]);
        var free = long.MaxValue;
        var loader = Loader(new MachineMemory(() => free));
        var agents = new List<ChatBackend>();
        for (var i = 0; i < 3; i++)
        {
            agents.Add(await loader.LoadAsync("huggingface", _folder.File("model"), validate: false));
        }

        var question = new AgentPayload { UserMessage = "the cat", MaxTokens = 2 };
        await agents[0].InvokeAsync(question);
        free = 0;
        Assert.Equal(2, (await agents[1].InvokeAsync(question)).Usage!.OutputTokenCount);
        Assert.Equal(1, _models.Loaded);
        agents[0].Dispose();
        agents[1].Dispose();

        await Assert.ThrowsAsync<LightningException>(() => agents[2].InvokeAsync(question));
        agents[2].Dispose();
    }

    [Fact]
    public async Task A_model_that_comes_back_after_it_was_idle_is_judged_again()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"]);
        var (free, time) = (long.MaxValue, new FakeTimeProvider());
        using var models = new LocalModels(time);
        var loader = new BackendLoader(
            new BackendLoaderOptions
            {
                CreateLocal = models.CreateChatClient,
                Folder = _folder.Path,
                Environment = _ => null,
                Memory = new MachineMemory(() => free),
            },
            _log
        );
        using var agent = await loader.LoadAsync("huggingface", _folder.File("model"), validate: false);
        var question = new AgentPayload { UserMessage = "the cat", MaxTokens = 2 };
        await agent.InvokeAsync(question);
        free = 0;
        await agent.InvokeAsync(question);
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(0, models.Loaded);

        var error = await Assert.ThrowsAsync<LightningException>(() => agent.InvokeAsync(question));

        Assert.Contains("system memory required, but only 0.0GB detected", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, models.Loaded);
        free = long.MaxValue;
        Assert.Equal(2, (await agent.InvokeAsync(question)).Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task The_local_engine_brings_a_loader_with_local_models()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"]);
        await using var services = new ServiceCollection().AddSingleton(TimeProvider.System).AddEngine().BuildServiceProvider();

        using var agent = await services
            .GetRequiredService<BackendLoader>()
            .LoadAsync("local", _folder.File("model"), validate: false, useConfig: false);

        Assert.Equal(2, (await agent.InvokeAsync(new AgentPayload { UserMessage = "the cat", MaxTokens = 2 })).Usage!.OutputTokenCount);
        Assert.Equal(1, services.GetRequiredService<LocalModels>().Loaded);
    }

    [Fact]
    public void Memory_and_devices_are_judged_by_what_is_there()
    {
        const long Gigabyte = 1L << 30;
        var (none, card) = (new MachineMemory(() => 5 * Gigabyte / 2, () => null), new MachineMemory(() => Gigabyte, () => 8 * Gigabyte));

        Assert.Equal(
            "16.0GB system memory required, but only 2.5GB detected",
            Assert.Throws<LightningException>(() => none.EnsureRam(16 * Gigabyte)).Message
        );
        none.EnsureRam(2 * Gigabyte);
        Assert.Equal((-1, 0, 0), (none.PickDevice(), card.PickDevice(), card.PickDevice(8 * Gigabyte)));
        Assert.Equal(
            "12.0GB VRAM required, but only 8.0GB detected",
            Assert.Throws<LightningException>(() => card.PickDevice(12 * Gigabyte)).Message
        );
        Assert.Equal(
            "1.0GB VRAM required, but only 0.0GB detected",
            Assert.Throws<LightningException>(() => none.PickDevice(Gigabyte)).Message
        );
        Assert.InRange(new MachineMemory().Available, 1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    [Fact]
    public async Task A_model_is_found_by_its_name_in_the_cache_that_other_libraries_fill()
    {
        _environment["HF_HOME"] = _folder.Path;
        var repository = _folder.File("hub/models--maker--tiny");
        await LanguageModelFolder.CreateAsync(Path.Combine(repository, "snapshots", "abc123"), ["the cat sat on the mat"]);
        Directory.CreateDirectory(Path.Combine(repository, "refs"));
        await File.WriteAllTextAsync(Path.Combine(repository, "refs", "main"), "abc123\n");

        using var agent = await Loader().LoadAsync("huggingface", "maker/tiny", validate: false);
        using var other = await Loader().LoadAsync("huggingface", "maker/../tiny\r\nFORGED", validate: false);

        Assert.Equal(2, (await agent.InvokeAsync(new AgentPayload { UserMessage = "the cat", MaxTokens = 2 })).Usage!.OutputTokenCount);
        var error = await Assert.ThrowsAsync<LightningException>(() => other.InvokeAsync(new AgentPayload { UserMessage = "the cat" }));
        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains("was not found", error.Message, StringComparison.Ordinal);
        Assert.All(_log.Lines, line => Assert.DoesNotContain('\n', line));
    }

    private BackendLoader Loader(MachineMemory? memory = null) =>
        new(
            new BackendLoaderOptions
            {
                CreateLocal = _models.CreateChatClient,
                Folder = _folder.Path,
                Environment = name => _environment.GetValueOrDefault(name),
                Memory = memory ?? new MachineMemory(),
            },
            _log
        );
}
