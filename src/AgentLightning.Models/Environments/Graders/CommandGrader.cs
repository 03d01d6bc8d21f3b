using AgentLightning.Models.Environments.Commands;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>
/// Runs a command on a text, such as its unit tests: 1 when it ends with 0, else 0, also when it goes beyond a limit of
/// <see cref="CommandSandbox"/>.
/// </summary>
/// <param name="file">Name of the file that the text is in, such as <c>answer.py</c>.</param>
internal sealed class CommandGrader(GraderTemplate input, string file, CommandSandbox sandbox) : IGrader
{
    public async ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken) =>
        (await sandbox.RunAsync((file, input.Fill(graded)), "", cancellationToken).ConfigureAwait(false)).ExitCode == 0 ? 1 : 0;
}
