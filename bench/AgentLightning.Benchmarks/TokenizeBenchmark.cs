using System.Diagnostics;
using System.Text;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Models.Tokenizers.Training;

namespace AgentLightning.Benchmarks;

/// <summary>
/// How fast text becomes tokens, on one thread and by the best round, which says the most on a machine that has other work: the training
/// feedback as one text, with a vocabulary learned from it. Beside it npm's @huggingface/tokenizers on the same files, where
/// LIGHTNING_NPM_FOLDER names a folder in which it is installed; else our own rules without any speed-up.
/// </summary>
internal static class TokenizeBenchmark
{
    private const int Rounds = 25;
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var text = string.Join('\n', Feedback.Read().Select(row => row.Text.Body));
        var megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        var folder = Directory.CreateTempSubdirectory("lightning-bench-");
        try
        {
            var watch = Stopwatch.StartNew();
            BpeTrainer.Train([text], new BpeTrainerOptions { VocabularySize = 8_192 }).Save(folder.FullName);
            var trained = watch.Elapsed.TotalSeconds;
            var tokenizer = Tokenizer.Load(folder.FullName);
            var ids = tokenizer.Encode(text);
            var encode = megabytes / Best(() => tokenizer.Encode(text).Length);
            var first = megabytes / Best(() => Tokenizer.Load(folder.FullName), loaded => loaded.Encode(text).Length);
            var decode = megabytes / Best(() => tokenizer.Decode(ids).Length);
            var (other, name) = await OtherAsync(folder.FullName, text, megabytes);
            return
            [
                Figure.AtLeast(
                    "tokenize",
                    $"encode {megabytes:0.0} MB, one thread, best of 25; beside it {name}",
                    encode,
                    "MB/s",
                    Math.Round(other, 2)
                ),
                Figure.AtLeast("tokenize", "encode, nothing remembered from before", first, "MB/s", 10),
                Figure.AtLeast("tokenize", "decode", decode, "MB/s", 10),
                Figure.AtMost("tokenize", "learn 8,192 tokens from it", trained, "s", 30),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static double Best(Func<int> run) => Best(() => 0, _ => run());

    private static double Best<T>(Func<T> prepare, Func<T, int> run)
    {
        var times = new List<double>();
        var begun = Stopwatch.GetTimestamp();
        for (var round = -3; round < Rounds; round++)
        {
            // The runtime compiles what is busy anew for a while.
            round = round == -1 && Stopwatch.GetElapsedTime(begun) < s_warmUp ? -2 : round;
            var prepared = prepare();
            var start = Stopwatch.GetTimestamp();
            run(prepared);
            if (round >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        return times.Min();
    }

    private static async Task<(double MegabytesPerSecond, string Name)> OtherAsync(string folder, string text, double megabytes)
    {
        if (Environment.GetEnvironmentVariable("LIGHTNING_NPM_FOLDER") is not { Length: > 0 } npm)
        {
            // Slow, so that a part must do.
            var part = text[..Math.Min(text.Length, 200_000)];
            var plain = new PlainTokenizer(folder);
            return (
                Encoding.UTF8.GetByteCount(part) / 1e6 / Best(() => plain.Count(part)),
                "our own rules without any speed-up (a regular expression, no memory, all pairs looked through)"
            );
        }

        const string Script = """
            const { createRequire } = require("module"), { readFileSync } = require("fs"), [npm, folder, rounds] = process.argv.slice(1);
            const { Tokenizer } = createRequire(npm + "/package.json")("@huggingface/tokenizers");
            const tokenizer = new Tokenizer(JSON.parse(readFileSync(folder + "/tokenizer.json", "utf8")), {}), text = readFileSync(folder + "/text.txt", "utf8"), times = [];
            for (let i = -25; i < rounds; i++) { const start = performance.now(); tokenizer.encode(text); if (i >= 0) times.push(performance.now() - start); }
            console.log(Math.min(...times));
            """;
        await File.WriteAllTextAsync(Path.Combine(folder, "text.txt"), text);
        var start = new ProcessStartInfo("node")
        {
            RedirectStandardOutput = true,
            ArgumentList = { "-e", Script, Path.GetFullPath(npm), folder, $"{Rounds}" },
        };
        using var node = Process.Start(start) ?? throw new InvalidOperationException("Node cannot be started.");
        var milliseconds = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        return node.ExitCode == 0
            ? (
                megabytes / (double.Parse(milliseconds, System.Globalization.CultureInfo.InvariantCulture) / 1_000),
                "npm @huggingface/tokenizers on Node"
            )
            : throw new InvalidOperationException($"Node failed. Is @huggingface/tokenizers installed in '{npm}'?");
    }
}
