using System.Security.Cryptography;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Hub;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Models.Tests;

/// <summary>Pulling models over HTTP from a hub with the layout of Hugging Face.</summary>
public sealed class ModelHubTests : IAsyncLifetime
{
    private const string Weights = "model.safetensors";
    private readonly TemporaryFolder _folder = new();
    private FakeHub _hub = null!;

    private string Target => _folder.File("tiny");

    public async ValueTask InitializeAsync()
    {
        _hub = await FakeHub.StartAsync();
        await TinyLanguage.SaveAsync(_folder.File("origin"));
        _hub.AddFolder(_folder.File("origin"));
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_pulled_model_is_the_model_of_the_hub_and_can_be_loaded()
    {
        foreach (
            var other in new[]
            {
                "pytorch_model.bin",
                "original/consolidated.safetensors",
                ".gitattributes",
                "onnx/model.onnx",
                "../outside.json",
                "run.py",
            }
        )
        {
            _hub.Add(other, "not wanted");
        }

        var seen = new List<PullProgress>();
        var pulled = await PullAsync(progress: new Seen(seen));

        Assert.Equal(FakeHub.Commit, pulled.Commit);
        Assert.Equal(Names(_folder.File("origin")), Names(Target));
        Assert.All(Names(Target), name => Assert.Equal(_hub[name], File.ReadAllBytes(Path.Combine(Target, name))));
        Assert.Equal(["origin", "tiny"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
        using var compute = new Compute(1);
        using var model = HuggingFaceFolder.Load(Target, compute);

        var total = pulled.Files.Sum(file => file.Size!.Value);
        Assert.Equal(total, pulled.DownloadedBytes);
        Assert.Equal(total, seen[^1].Bytes);
        Assert.All(seen, step => Assert.Equal(total, step.TotalBytes));
        Assert.Equal(seen.Select(step => step.Bytes).Order(), seen.Select(step => step.Bytes));
    }

    [Fact]
    public async Task A_cut_connection_is_taken_up_where_it_broke()
    {
        var (size, cuts) = (_hub[Weights].Length, new[] { 1000, 5000, 5001 });
        _hub.Before = async (context, name, number) =>
        {
            if (name != Weights || number > cuts.Length)
            {
                return false;
            }

            var from = number == 1 ? 0 : cuts[number - 2];
            await _hub.CutAsync(context, name, from, cuts[number - 1] - from);
            return true;
        };

        var pulled = await PullAsync(retries: 1);

        Assert.Equal(_hub[Weights], await File.ReadAllBytesAsync(Path.Combine(Target, Weights)));
        Assert.Equal(
            [null, "bytes=1000-", "bytes=5000-", "bytes=5001-"],
            _hub.RequestsFor(Weights).Where(request => request.Server == "store").Select(request => request.Range)
        );
        Assert.All(_hub.RequestsFor(Weights).Where(request => request.Range is not null), request =>
            Assert.StartsWith("\"", request.IfRange!, StringComparison.Ordinal)
        );
        Assert.Equal(pulled.Files.Sum(file => file.Size!.Value), pulled.DownloadedBytes);
        Assert.True(size > 6000);
    }

    [Fact]
    public async Task A_connection_that_is_reset_is_tried_again()
    {
        _hub.Before = (context, name, number) =>
        {
            if (name == Weights && number < 3)
            {
                context.Abort();
            }

            return Task.FromResult(name == Weights && number < 3);
        };

        await PullAsync(retries: 2);

        Assert.Equal(_hub[Weights], await File.ReadAllBytesAsync(Path.Combine(Target, Weights)));
    }

    [Fact]
    public async Task A_pull_that_failed_is_taken_up_by_the_next_one_and_until_then_there_is_no_model()
    {
        _hub.Before = async (context, name, number) =>
        {
            if (name == Weights)
            {
                await _hub.CutAsync(context, name, number == 1 ? 0 : 4000, number == 1 ? 4000 : 0);
            }

            return name == Weights;
        };
        var message = (await Assert.ThrowsAsync<HubException>(() => PullAsync(retries: 2))).Message;
        Assert.Contains(Weights, message, StringComparison.Ordinal);
        Assert.Contains("stops at 4,000 of", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Target));
        var before = _hub.Requests.Count;

        _hub.Before = (_, _, _) => Task.FromResult(false);
        var pulled = await PullAsync();

        Assert.Equal(_hub[Weights].Length - 4000, pulled.DownloadedBytes);
        Assert.Equal(_hub[Weights], await File.ReadAllBytesAsync(Path.Combine(Target, Weights)));
        Assert.Equal(["bytes=4000-", "bytes=4000-"], _hub.Requests.Skip(before + 1).Select(request => request.Range));
    }

    [Fact]
    public async Task Content_that_changed_under_the_same_address_is_fetched_from_its_beginning()
    {
        _hub.Before = async (context, name, number) =>
        {
            if (name == Weights)
            {
                await _hub.CutAsync(context, name, 0, 4000);
            }

            return name == Weights;
        };
        await Assert.ThrowsAsync<HubException>(() => PullAsync(retries: 0));
        var changed = _hub[Weights].ToArray();
        changed[^1] ^= 1;
        _hub.Add(Weights, changed);
        _hub.Before = (_, _, _) => Task.FromResult(false);

        await PullAsync();

        Assert.Equal(changed, await File.ReadAllBytesAsync(Path.Combine(Target, Weights)));
    }

    [Fact]
    public async Task A_part_that_proves_wrong_in_the_end_gets_one_more_chance_from_its_beginning()
    {
        _hub.StoreTags = false;
        _hub.Before = async (context, name, number) =>
        {
            if (name == Weights && number == 1)
            {
                await _hub.CutAsync(context, name, 0, 4000);
                return true;
            }

            return false;
        };
        await Assert.ThrowsAsync<HubException>(() => PullAsync(retries: 0));
        var part = Path.Combine(Target + ".part", Weights + ".part");
        var bytes = await File.ReadAllBytesAsync(part);
        bytes[17] ^= 1;
        await File.WriteAllBytesAsync(part, bytes);

        await PullAsync();

        Assert.Equal(_hub[Weights], await File.ReadAllBytesAsync(Path.Combine(Target, Weights)));
        Assert.Equal(
            [null, "bytes=4000-", null],
            _hub.RequestsFor(Weights).Where(request => request.Server == "store").Select(request => request.Range)
        );
    }

    [Theory]
    [InlineData(Weights, "SHA-256")]
    [InlineData("config.json", "git SHA-1")]
    public async Task Content_with_another_checksum_is_refused_and_deleted(string damaged, string kind)
    {
        _hub.Before = async (context, name, _) =>
        {
            if (name == damaged)
            {
                var bytes = _hub[name].ToArray();
                bytes[^2] ^= 1;
                context.Response.ContentLength = bytes.Length;
                await context.Response.Body.WriteAsync(bytes);
            }

            return name == damaged;
        };

        var message = (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message;

        Assert.Contains($"{damaged} at {FakeHub.Commit} is damaged: its {kind} should be", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Target));
        Assert.False(File.Exists(Path.Combine(Target + ".part", damaged)));
        Assert.False(File.Exists(Path.Combine(Target + ".part", damaged + ".part")));
    }

    [Fact]
    public async Task The_checksum_that_the_hub_sends_with_its_redirect_counts_where_the_list_has_none()
    {
        _hub.Listed = (_, entry) => new() { ["rfilename"] = entry["rfilename"] };
        _hub.Before = async (context, name, _) =>
        {
            if (name == Weights)
            {
                await context.Response.WriteAsync("something else");
            }

            return name == Weights;
        };

        var message = (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message;

        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(_hub[Weights])), message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_cannot_continue_is_asked_for_the_whole()
    {
        _hub.Before = async (context, name, number) =>
        {
            switch (name == Weights ? number : 0)
            {
                case 1:
                    await _hub.CutAsync(context, name, 0, 4000);
                    return true;
                case 2:
                    context.Response.StatusCode = 416;
                    return true;
                default:
                    return false;
            }
        };

        await PullAsync();

        Assert.Equal(_hub[Weights], await File.ReadAllBytesAsync(Path.Combine(Target, Weights)));
        Assert.Equal(
            [null, "bytes=4000-", null],
            _hub.RequestsFor(Weights).Where(request => request.Server == "store").Select(request => request.Range)
        );
    }

    [Fact]
    public async Task A_server_that_continues_elsewhere_than_asked_is_refused()
    {
        _hub.Before = async (context, name, number) =>
        {
            if (name == Weights)
            {
                await _hub.CutAsync(context, name, number == 1 ? 0 : 3000, 4000);
            }

            return name == Weights;
        };

        Assert.Contains(
            "from 4,000, but the server sends bytes 3000-",
            (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_busy_or_silent_server_is_asked_again()
    {
        _hub.BeforeList = context =>
        {
            var first = _hub.Requests.Count == 1;
            context.Response.StatusCode = first ? 503 : 200;
            return Task.FromResult(first);
        };
        _hub.Before = async (context, name, number) =>
        {
            switch (name == Weights ? number : 0)
            {
                case 1:
                    context.Response.StatusCode = 429;
                    context.Response.Headers.RetryAfter = "0";
                    return true;
                case 2:
                    await LoopbackServer.HangAsync(context);
                    return true;
                default:
                    return false;
            }
        };

        await PullAsync(stall: TimeSpan.FromMilliseconds(300));

        Assert.Equal(3, _hub.RequestsFor(Weights).Count(request => request.Server == "store"));
    }

    [Fact]
    public async Task What_does_not_exist_is_not_found()
    {
        using var hub = Hub();

        Assert.Contains(
            "maker/other at main was not found",
            (await Assert.ThrowsAsync<HubException>(() => hub.FindAsync("maker/other"))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "maker/tiny at v2 was not found",
            (await Assert.ThrowsAsync<HubException>(() => hub.FindAsync("maker/tiny", "v2"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_hub_that_nobody_runs_is_named_at_once()
    {
        using var hub = new ModelHub(new HubOptions { Url = new Uri("http://127.0.0.1:1"), RetryDelay = TimeSpan.FromDays(1) });

        Assert.Contains(
            "http://127.0.0.1:1/ cannot be reached",
            (await Assert.ThrowsAsync<HubException>(() => hub.FindAsync("maker/tiny"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_file_that_is_listed_and_missing_is_named()
    {
        _hub.Before = (context, name, _) =>
        {
            context.Response.StatusCode = name == "tokenizer.json" ? 404 : 200;
            return Task.FromResult(name == "tokenizer.json");
        };

        Assert.Contains(
            "maker/tiny/tokenizer.json",
            (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other_host()
    {
        _hub.Token = "hf_secretsecretsecret";

        var without = (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message;
        await PullAsync(token: _hub.Token);

        Assert.Contains("HF_TOKEN", without, StringComparison.Ordinal);
        Assert.All(_hub.Requests.Where(request => request.Server == "hub").Skip(1), request =>
            Assert.Equal("Bearer hf_secretsecretsecret", request.Authorization)
        );
        var elsewhere = _hub.Requests.Where(request => request.Server == "store").ToList();
        Assert.NotEmpty(elsewhere);
        Assert.All(elsewhere, request => Assert.Null(request.Authorization));
    }

    [Fact]
    public async Task Neither_a_token_nor_a_signed_address_is_in_a_message()
    {
        _hub.Token = "hf_secretsecretsecret";
        var options = new HubOptions { Url = _hub.Url, Token = _hub.Token };
        _hub.Before = (context, _, _) =>
        {
            context.Response.StatusCode = 403;
            return Task.FromResult(true);
        };

        var refused = (await Assert.ThrowsAsync<HubException>(() => PullAsync(token: _hub.Token))).ToString();
        var wrong = (await Assert.ThrowsAsync<HubException>(() => PullAsync(token: "hf_anothersecret"))).ToString();

        Assert.DoesNotContain("secret", refused + wrong + options, StringComparison.Ordinal);
        Assert.Contains("token in HF_TOKEN", wrong, StringComparison.Ordinal);
        Assert.Contains(
            "plain http",
            Assert
                .Throws<ArgumentException>(() => new ModelHub(new HubOptions { Url = new Uri("http://hub.example"), Token = "hf_secret" }))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_model_that_is_there_is_not_fetched_again_and_a_damaged_one_is_replaced()
    {
        await PullAsync();
        var before = _hub.Requests.Count;

        Assert.Equal(0, (await PullAsync()).DownloadedBytes);
        Assert.Equal(before + 1, _hub.Requests.Count);

        await File.AppendAllTextAsync(Path.Combine(Target, "config.json"), " ");
        await PullAsync();
        Assert.Equal(_hub["config.json"], await File.ReadAllBytesAsync(Path.Combine(Target, "config.json")));
    }

    [Fact]
    public async Task A_folder_of_something_else_is_left_alone()
    {
        Directory.CreateDirectory(Target);
        await File.WriteAllTextAsync(Path.Combine(Target, "letters.txt"), "dear");

        Assert.Contains("not a model", (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message, StringComparison.Ordinal);
        Assert.Equal(["letters.txt"], Names(Target));
    }

    [Fact]
    public async Task Two_pulls_into_one_folder_do_not_meet()
    {
        var (arrived, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        _hub.Before = async (_, name, _) =>
        {
            if (name == Weights)
            {
                arrived.TrySetResult();
                await go.Task;
            }

            return false;
        };
        var first = PullAsync();
        await arrived.Task;

        var message = (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message;
        go.SetResult();

        Assert.Contains("Another pull", message, StringComparison.Ordinal);
        Assert.True((await first).DownloadedBytes > 0);
    }

    [Fact]
    public async Task A_cancelled_pull_ends_at_once_and_keeps_what_it_has()
    {
        using var cancel = new CancellationTokenSource();
        _hub.Before = async (context, name, _) =>
        {
            if (name == Weights)
            {
                context.Response.ContentLength = _hub[name].Length;
                await context.Response.Body.WriteAsync(_hub[name].AsMemory(0, 4000));
                await context.Response.Body.FlushAsync();
                await LoopbackServer.HangAsync(context);
            }

            return name == Weights;
        };

        var pull = PullAsync(
            progress: new Until(step => step is { File: Weights, FileBytes: 4000 }, cancel),
            cancellationToken: cancel.Token
        );

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pull);
        Assert.Equal(4000, new FileInfo(Path.Combine(Target + ".part", Weights + ".part")).Length);
    }

    [Fact]
    public async Task Shards_come_with_their_index()
    {
        using var compute = new Compute(1);
        using (var model = TinyLanguage.Model())
        {
            await HuggingFaceFolder.SaveAsync(model, _folder.File("sharded"), shardBytes: 20_000);
        }

        _hub.AddFolder(_folder.File("sharded"));

        var pulled = await PullAsync();

        Assert.DoesNotContain(Weights, Names(Target));
        Assert.True(pulled.Files.Count(file => file.Name.EndsWith(".safetensors", StringComparison.Ordinal)) > 1);
        using var loaded = HuggingFaceFolder.Load(Target, compute);
    }

    [Fact]
    public async Task Weights_in_another_format_are_named()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Add("config.json", "{}");
        hub.Add("pytorch_model.bin", "weights");
        using var client = new ModelHub(new HubOptions { Url = hub.Url });

        var message = (
            await Assert.ThrowsAsync<HubException>(async () => await client.PullAsync(await client.FindAsync("maker/tiny"), Target))
        ).Message;

        Assert.Contains("no model.safetensors. It has pytorch_model.bin", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_than_the_disk_holds_is_refused_before_any_of_it_comes()
    {
        _hub.Listed = (name, entry) => name == Weights ? new() { ["rfilename"] = name, ["size"] = long.MaxValue / 4 } : entry;

        Assert.Contains("has room for", (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message, StringComparison.Ordinal);
        Assert.Single(_hub.Requests);
    }

    [Theory]
    [InlineData("not json", "cannot be read")]
    [InlineData("{\"sha\":\"../..\",\"siblings\":[]}", "not a commit")]
    [InlineData("{\"sha\":\"abc\",\"siblings\":[{\"rfilename\":\"model.safetensors\",\"size\":-1}]}", "negative")]
    [InlineData("{\"sha\":\"abc\",\"siblings\":[{\"rfilename\":\"model.safetensors\",\"lfs\":{\"sha256\":\"xyz\"}}]}", "not 64 hex digits")]
    public async Task A_list_that_is_none_is_an_error(string body, string named)
    {
        _hub.BeforeList = async context =>
        {
            await context.Response.WriteAsync(body);
            return true;
        };

        Assert.Contains(named, (await Assert.ThrowsAsync<HubException>(() => PullAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt2", null, "gpt2", null)]
    [InlineData("Qwen/Qwen2.5-0.5B", null, "Qwen/Qwen2.5-0.5B", null)]
    [InlineData("https://huggingface.co/Qwen/Qwen2.5-0.5B/", "https://huggingface.co/", "Qwen/Qwen2.5-0.5B", null)]
    [InlineData("http://127.0.0.1:8080/maker/tiny/tree/v1.0", "http://127.0.0.1:8080/", "maker/tiny", "v1.0")]
    public void A_model_is_named_or_addressed(string text, string? hub, string repository, string? revision) =>
        Assert.Equal(new ModelAddress(hub is null ? null : new Uri(hub), repository, revision), ModelAddress.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("../etc")]
    [InlineData("a/../b")]
    [InlineData("a/b/c")]
    [InlineData("a b")]
    [InlineData("https://user:pass@huggingface.co/a/b")]
    public void Other_texts_are_not_names_of_models(string text) => Assert.Throws<ArgumentException>(() => ModelAddress.Parse(text));

    private ModelHub Hub(string? token = null, int retries = 5, TimeSpan? stall = null) =>
        new(
            new HubOptions
            {
                Url = _hub.Url,
                Token = token,
                Retries = retries,
                RetryDelay = TimeSpan.Zero,
                StallTimeout = stall ?? TimeSpan.FromSeconds(60),
            }
        );

    private async Task<PulledModel> PullAsync(
        string? token = null,
        int retries = 5,
        TimeSpan? stall = null,
        IProgress<PullProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        using var hub = Hub(token, retries, stall);
        return await hub.PullAsync(
            await hub.FindAsync(_hub.Repository, cancellationToken: cancellationToken),
            Target,
            progress,
            cancellationToken
        );
    }

    private static IEnumerable<string> Names(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);

    private sealed class Seen(List<PullProgress> steps) : IProgress<PullProgress>
    {
        public void Report(PullProgress value) => steps.Add(value);
    }

    private sealed class Until(Func<PullProgress, bool> reached, CancellationTokenSource cancel) : IProgress<PullProgress>
    {
        public void Report(PullProgress value)
        {
            if (reached(value))
            {
                cancel.Cancel();
            }
        }
    }
}
