using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary><c>lightning model pull</c> in a process of its own, from a hub on this machine.</summary>
public sealed class ModelPullTests : IAsyncLifetime
{
    private const string Token = "hf_secretsecretsecret";
    private readonly TemporaryFolder _folder = new();
    private FakeHub _hub = null!;

    public async ValueTask InitializeAsync()
    {
        _hub = await FakeHub.StartAsync();
        await LanguageModelFolder.CreateAsync(_folder.File("origin"), ["the cat sat on the mat", "the dog sat on the log"]);
        _hub.AddFolder(_folder.File("origin"));
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_pulled_model_runs()
    {
        var pulled = (await PullAsync(["model", "pull", "maker/tiny", "--hub", _hub.Url.AbsoluteUri, "--json"])).Json();

        Assert.Equal(
            ["repository", "commit", "folder", "files", "bytes", "downloaded_bytes", "seconds"],
            pulled.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(_folder.File("tiny"), pulled.GetProperty("folder").GetString());
        Assert.Equal(FakeHub.Commit, pulled.GetProperty("commit").GetString());
        Assert.Equal(pulled.GetProperty("bytes").GetInt64(), pulled.GetProperty("downloaded_bytes").GetInt64());
        var answer = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "generate",
                "--model",
                "tiny",
                "--prompt",
                "the cat",
                "--max-tokens",
                "3",
                "--json"
            )
        ).Json();
        Assert.Equal(3, answer.GetProperty("token_ids").GetArrayLength());

        var again = await PullAsync(["model", "pull", $"{_hub.Url}maker/tiny"]);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("0.0 MB of them new", again.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pull_that_was_killed_goes_on_where_it_stopped()
    {
        const string Weights = "model.safetensors";
        var sent = new TaskCompletionSource();
        _hub.Before = async (context, name, _) =>
        {
            if (name == Weights)
            {
                await _hub.CutAsync(context, name, 0, 6000);
                sent.SetResult();
                await LoopbackServer.HangAsync(context);
            }

            return name == Weights;
        };
        string[] command = ["model", "pull", "maker/tiny", "--hub", _hub.Url.AbsoluteUri, "--json"];
        using (var process = Lightning.Start(_folder.Path, command, ("HF_TOKEN", "")))
        {
            await sent.Task;
            var part = new FileInfo(_folder.File($"tiny.part/{Weights}.part"));
            while (!part.Exists || part.Length < 6000)
            {
                Assert.False(process.HasExited);
                await Task.Yield();
                part.Refresh();
            }

            process.Kill();
            await process.WaitForExitAsync();
        }

        Assert.False(Directory.Exists(_folder.File("tiny")));
        _hub.Before = (_, _, _) => Task.FromResult(false);
        var pulled = (await PullAsync(command)).Json();

        Assert.Equal(_hub[Weights].Length - 6000, pulled.GetProperty("downloaded_bytes").GetInt64());
        Assert.Equal(_hub[Weights], await File.ReadAllBytesAsync(_folder.File($"tiny/{Weights}")));
    }

    [Fact]
    public async Task A_hub_that_is_no_address_is_refused()
    {
        Assert.Contains(
            "--hub must be an address",
            (await PullAsync(["model", "pull", "maker/tiny", "--hub", "a hub"])).Failed(2),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "HF_ENDPOINT must be an address",
            (await PullAsync(["model", "pull", "maker/tiny"], ("HF_ENDPOINT", "a hub"))).Failed(2),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "must be an http or https address",
            (await PullAsync(["model", "pull", "maker/tiny", "--hub", "ftp://hub"])).Failed(2),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_token_of_the_environment_opens_a_private_model_and_is_shown_nowhere()
    {
        _hub.Token = Token;
        string[] command = ["model", "pull", "maker/tiny", "--hub", _hub.Url.AbsoluteUri, "--out", "mine"];

        var refused = (await PullAsync(command)).Failed(1);
        var wrong = (await PullAsync(command, ("HF_TOKEN", "hf_othersecret"))).Failed(1);
        var opened = await PullAsync(command, ("HF_TOKEN", Token));

        Assert.Equal(0, opened.ExitCode);
        Assert.Contains("HF_TOKEN", refused, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused + wrong + opened.Out + opened.Error, StringComparison.Ordinal);
        Assert.All(_hub.Requests.Where(request => request.Server == "store"), request => Assert.Null(request.Authorization));
        Assert.All(Directory.EnumerateFiles(_folder.File("mine")), file =>
            Assert.DoesNotContain(Token, File.ReadAllText(file), StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(2, "not the name of a model", "../etc")]
    [InlineData(2, "leave --hub out", "http://127.0.0.1:1/maker/tiny")]
    [InlineData(1, "maker/other at main was not found", "maker/other")]
    [InlineData(1, "maker/tiny at v9 was not found", "maker/tiny", "--revision", "v9")]
    public async Task What_cannot_be_pulled_is_said_in_one_line(int exitCode, string named, params string[] arguments)
    {
        var message = (await PullAsync(["model", "pull", .. arguments, "--hub", _hub.Url.AbsoluteUri])).Failed(exitCode);

        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Single(message.Trim().Split('\n'));
        Assert.Equal(["origin"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    private Task<Outcome> PullAsync(string[] command, params (string, string)[] environment) =>
        Lightning.RunAsync(_folder.Path, "", command, [("HF_TOKEN", ""), ("HF_ENDPOINT", ""), .. environment]);
}
