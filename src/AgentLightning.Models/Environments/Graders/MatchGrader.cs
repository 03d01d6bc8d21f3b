using System.Globalization;
using System.Text;
using AgentLightning.Models.Tokenizers.Normalization;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>1 when two texts are the same but for case, marks, punctuation and spaces; else 0.</summary>
internal sealed class MatchGrader(GraderTemplate input, GraderTemplate reference) : IGrader
{
    public ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Normalize(input.Fill(graded)) == Normalize(reference.Fill(graded)) ? 1.0 : 0);

    /// <summary>Letters and digits in lower case, with one space where there was anything else.</summary>
    internal static string Normalize(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in UnicodeForm.Normalize(text, composed: false, compatible: false))
        {
            if (char.IsLetterOrDigit(c))
            {
                result.Append(char.ToLowerInvariant(c));
            }
            else if (char.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark && result.Length > 0 && result[^1] != ' ')
            {
                result.Append(' ');
            }
        }

        return result.ToString().TrimEnd();
    }
}
