using AgentLightning.Cli.Input;
using AgentLightning.Training;

namespace AgentLightning.Cli.Demo;

/// <summary>What a demo runs on.</summary>
/// <param name="Csv">The user's own file; null for the bundled feedback.</param>
internal sealed record DemoOptions(string Folder, long Seed, TrainingMethod Method, LabelledCsv? Csv, bool Overwrite)
{
    /// <summary>What must be the same for an unfinished demo to go on.</summary>
    public string Source =>
        Csv is null
            ? "bundled feedback"
            : $"{Csv.Path} (text {string.Join(",", Csv.TextColumns)}; label {Csv.LabelColumn}; {new FileInfo(Csv.Path).Length} bytes)";
}
