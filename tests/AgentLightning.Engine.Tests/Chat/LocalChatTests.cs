using System.Text.Json;
using System.Text.Json.Serialization;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Common;
using AgentLightning.Engine.Chat;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Testing;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Tests;

/// <summary>A language model in this process answers as every other chat client does.</summary>
public sealed class LocalChatTests : IAsyncLifetime
{
    private const string Template =
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private LocalModels _models = null!;

    private LocalModelOptions Options =>
        new()
        {
            Folder = _folder.File("model"),
            MaxOutputTokens = 12,
            Threads = 1,
        };

    public async ValueTask InitializeAsync()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["user assistant system", "the cat sat on the mat"]);
        _models = new LocalModels(_time, new Random(1));
    }

    public ValueTask DisposeAsync()
    {
        _models.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_answer_has_text_usage_and_a_reason_and_its_parts_add_up_to_it()
    {
        using var client = _models.CreateChatClient(Options);
        var options = new ChatOptions { Seed = 5, MaxOutputTokens = 20 };

        var whole = await client.GetResponseAsync("the cat", options);
        var parts = await client.GetStreamingResponseAsync("the cat", options).ToListAsync();

        Assert.NotEqual("", whole.Text);
        Assert.Equal(whole.Text, string.Concat(parts.Select(part => part.Text)));
        Assert.True(parts.Count(part => part.Text.Length > 0) > 3);
        Assert.Equal((ChatFinishReason.Length, 20), (whole.FinishReason!.Value, whole.Usage!.OutputTokenCount));
        var tokenizer = Tokenizer.Load(_folder.File("model"));
        Assert.Equal(tokenizer.Encode("user: the cat\nassistant:").Length, whole.Usage.InputTokenCount);
        Assert.Equal(whole.Usage.InputTokenCount + 20, whole.Usage.TotalTokenCount);
        Assert.Equal("model", whole.ModelId);
        Assert.Single(whole.Messages);
        Assert.Equal("local", client.GetService<ChatClientMetadata>()!.ProviderName);
        Assert.NotEqual(whole.Text, (await client.GetResponseAsync("the cat", new ChatOptions { Seed = 6, MaxOutputTokens = 20 })).Text);
    }

    [Fact]
    public async Task Messages_become_the_prompt_that_the_chat_template_writes()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.File("model"), "chat_template.jinja"), Template);
        var tokenizer = Tokenizer.Load(_folder.File("model"));
        using var client = _models.CreateChatClient(Options);
        using var given = _models.CreateChatClient(Options with { ChatTemplate = "{{ messages[-1].content }}" });
        ChatMessage[] messages = [new(ChatRole.User, "the cat"), new(ChatRole.Assistant, "sat"), new(ChatRole.User, "on")];

        var response = await client.GetResponseAsync(messages, new ChatOptions { Instructions = "the mat" });

        Assert.Equal(
            tokenizer.Encode("<system>the mat\n<user>the cat\n<assistant>sat\n<user>on\n<assistant>").Length,
            response.Usage!.InputTokenCount
        );
        Assert.Equal(tokenizer.Encode("on").Length, (await given.GetResponseAsync(messages)).Usage!.InputTokenCount);
    }

    [Fact]
    public async Task A_stop_string_ends_the_answer_before_it()
    {
        using var client = _models.CreateChatClient(Options);
        var options = new ChatOptions { Seed = 5, MaxOutputTokens = 20 };
        var text = (await client.GetResponseAsync("the cat", options)).Text;
        options.StopSequences = [text[5..7]];

        var stopped = await client.GetResponseAsync("the cat", options);

        Assert.Equal(text[..text.IndexOf(text[5..7], StringComparison.Ordinal)], stopped.Text);
        Assert.Equal(ChatFinishReason.Stop, stopped.FinishReason);
    }

    [Fact]
    public async Task One_model_serves_all_its_clients_at_once_with_the_answers_each_would_get_alone()
    {
        using var first = _models.CreateChatClient(Options);
        using var second = _models.CreateChatClient(Options);
        string[] prompts = [.. Enumerable.Range(0, 12).Select(i => $"the cat {i}")];
        var alone = new List<string>();
        foreach (var prompt in prompts)
        {
            alone.Add((await first.GetResponseAsync(prompt, new ChatOptions { Seed = 5 })).Text);
        }

        var together = await Task.WhenAll(
            prompts.Select((prompt, i) => (i % 2 == 0 ? first : second).GetResponseAsync(prompt, new ChatOptions { Seed = 5 }))
        );

        Assert.Equal(alone, together.Select(answer => answer.Text));
        Assert.Equal(1, _models.Loaded);
    }

    [Fact]
    public async Task A_model_is_loaded_at_the_first_message_leaves_when_idle_and_comes_back()
    {
        var client = _models.CreateChatClient(Options);
        var other = _models.CreateChatClient(Options);
        Assert.Equal(0, _models.Loaded);
        var before = (await client.GetResponseAsync("the cat", new ChatOptions { Seed = 5 })).Text;
        Assert.Equal(1, _models.Loaded);

        _time.Advance(TimeSpan.FromMinutes(4));
        await client.GetResponseAsync("the cat");
        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(1, _models.Loaded);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, _models.Loaded);
        Assert.Equal(before, (await client.GetResponseAsync("the cat", new ChatOptions { Seed = 5 })).Text);
        Assert.Equal(1, _models.Loaded);

        client.Dispose();
        client.Dispose();
        Assert.Equal(1, _models.Loaded);
        other.Dispose();
        Assert.Equal(0, _models.Loaded);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync("the cat"));
    }

    [Fact]
    public async Task An_answer_that_is_being_read_keeps_the_model_and_one_that_is_cancelled_makes_room()
    {
        using var client = _models.CreateChatClient(Options with { MaxBatch = 1, MaxOutputTokens = 100 });
        using var source = new CancellationTokenSource();
        await using var reading = client.GetStreamingResponseAsync("the cat", cancellationToken: source.Token).GetAsyncEnumerator();
        Assert.True(await reading.MoveNextAsync());
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(1, _models.Loaded);

        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await reading.MoveNextAsync()) { }
        });

        Assert.NotEqual("", (await client.GetResponseAsync("the cat")).Text);
    }

    [Fact]
    public async Task An_answer_asked_for_in_a_shape_has_it()
    {
        using var client = _models.CreateChatClient(Options);
        var options = new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema<Review>(),
            MaxOutputTokens = 100,
            Seed = 5,
        };

        var review = JsonSerializer.Deserialize<Review>(
            (await client.GetResponseAsync("the cat", options)).Text,
            JsonSerializerOptions.Web
        )!;

        Assert.True(Enum.IsDefined(review.Mood));
        Assert.NotNull(review.Tags);
        Assert.Contains(
            "other than text and JSON of a schema",
            (
                await Assert.ThrowsAsync<LightningException>(() =>
                    client.GetResponseAsync("the cat", new ChatOptions { ResponseFormat = ChatResponseFormat.Json })
                )
            ).Message,
            StringComparison.Ordinal
        );
        options.ResponseFormat = ChatResponseFormat.ForJsonSchema(
            JsonSerializer.Deserialize<JsonElement>("{\"type\": \"string\", \"contentEncoding\": \"a\"}")
        );
        Assert.Contains(
            "'contentEncoding' is not supported",
            (await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync("the cat", options))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task What_it_cannot_do_is_said_and_not_left_out()
    {
        using var client = _models.CreateChatClient(Options);
        await Fails("context of this model holds 128", "the cat", new ChatOptions { MaxOutputTokens = 500 });
        await Fails("context of this model holds 128", string.Join(' ', Enumerable.Repeat("the cat", 200)), new ChatOptions());
        await Fails(
            "a JSON schema beside tools",
            "the cat",
            new ChatOptions
            {
                Tools = [AIFunctionFactory.Create(() => 1, "one")],
                ResponseFormat = ChatResponseFormat.ForJsonSchema<Review>(),
            }
        );
        await Fails(
            "'two' must be called, but only 'one' are offered",
            "the cat",
            new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")], ToolMode = ChatToolMode.RequireSpecific("two") }
        );
        await Fails(
            "HostedWebSearchTool; a local model can call functions only",
            "the cat",
            new ChatOptions { Tools = [new HostedWebSearchTool()] }
        );
        await Fails("a frequency penalty", "the cat", new ChatOptions { FrequencyPenalty = 0.5f });
        await Fails("top-p must be above 0", "the cat", new ChatOptions { TopP = 7 });
        var image = new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        Assert.Contains(
            "has a DataContent",
            (await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync(image))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no messages",
            (await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync([]))).Message,
            StringComparison.Ordinal
        );

        async Task Fails(string named, string prompt, ChatOptions options)
        {
            var error = await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync(prompt, options));
            Assert.Equal(ErrorKind.Invalid, error.Kind);
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_is_an_error_of_the_message_and_may_be_mended()
    {
        using var client = _models.CreateChatClient(Options with { Folder = _folder.File("later") });
        var error = await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync("the cat"));
        Assert.Contains("There is no folder", error.Message, StringComparison.Ordinal);

        Directory.Move(_folder.File("model"), _folder.File("later"));

        Assert.NotEqual("", (await client.GetResponseAsync("the cat")).Text);
    }

    [JsonConverter(typeof(JsonStringEnumConverter<Mood>))]
    private enum Mood
    {
        Good = 1,
        Bad = 2,
    }

    private sealed record Review(Mood Mood, int Stars, string? Title, IReadOnlyList<string> Tags);

    [Fact]
    public void Options_are_checked_when_a_client_is_made()
    {
        Assert.Contains(
            "0 threads or more (-1)",
            Assert.Throws<LightningException>(() => _models.CreateChatClient(Options with { Threads = -1 })).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<LightningException>(() => _models.CreateChatClient(Options with { ChatTemplate = "{% for %}" }));
    }
}
