using AgentLightning.Cli.Input;
using AgentLightning.Training;

namespace AgentLightning.Cli.Demo;

/// <summary>What a demo runs on.</summary>
/// <param name="File">The user's own file; null for the bundled feedback.</param>
internal sealed record DemoOptions(string Folder, long Seed, TrainingMethod Method, ILabelledFile? File, bool Overwrite)
{
    /// <summary>What must be the same for an unfinished demo to go on.</summary>
    public string Source =>
        File is null
            ? "bundled feedback"
            : $"{File.Path} (text {string.Join(",", File.TextColumns)}; label {File.LabelColumn}; {new FileInfo(File.Path).Length} bytes)";
}
